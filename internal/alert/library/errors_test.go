package library_test

import (
	"time"

	"github.com/signal-delivery/operator/internal/alert/library"
)

var errorStories = map[string]map[string]story{
	"SignalErrorRatioHigh": {
		"every tenth fails": {
			series: `http_requests_total{$new,code="200"} 0+90x24
				http_requests_total{$new,code="500"} 0+10x24
				http_requests_total{$old,code="200"} 0+90x24`,
			want: []string{"release=new severity=critical: 0.1: Release bbbbbbbbbb of prod/app fails 10% of its requests"},
		},
		"from the first on": {
			series: `http_requests_total{$new,code="200"} 0+10x24
				http_requests_total{$new,code="503"} 0+10x24`,
			every: time.Second, at: 2 * time.Second,
			want: []string{"release=new severity=critical: 0.5: Release bbbbbbbbbb of prod/app fails 50% of its requests"},
		},
		"just too many": {
			series: `http_requests_total{$new,code="200"} 0+37x24
				http_requests_total{$new,code="500"} 0+2x24`,
			want: []string{"release=new severity=critical: 0.0512821: Release bbbbbbbbbb of prod/app fails 5.128% of its requests"},
		},
		"just as many as may": {
			series: `http_requests_total{$new,code="200"} 0+19x24
				http_requests_total{$new,code="500"} 0+1x24`,
		},
		"hardly any request": {
			series: `http_requests_total{$new,code="500"} 0+0.4x24
				http_requests_total{$new,code="200"} 0+2x24`,
		},
		"of several pods and routes": {
			series: `http_requests_total{$new,code="500",route="/"} 0+0.2x24
				http_requests_total{$new,code="503",route="/"} 0+0.05x24
				http_requests_total{$new,code="200",route="/"} 0+0.5x24
				http_requests_total{$new2,code="500",route="/v1"} 0+0.25x24
				http_requests_total{$new2,code="200",route="/v1"} 0+1.5x24`,
			want: []string{"release=new severity=critical: 0.2: Release bbbbbbbbbb of prod/app fails 20% of its requests"},
		},
		"hardly enough": {
			series: `http_requests_total{$new,code="500"} 0+1x24`, every: 12 * time.Second,
			want: []string{"release=new severity=critical: 1: Release bbbbbbbbbb of prod/app fails 100% of its requests"},
		},
		"users' own mistakes": {
			series: `http_requests_total{$new,code="404"} 0+90x24
				http_requests_total{$new,code="200"} 0+10x24`,
		},
		"more than a minute ago": {
			series: `http_requests_total{$new,code="200"} 0+80x12 1060+100x12
				http_requests_total{$new,code="500"} 0+20x11 220x13`,
		},
		"less than a minute ago": {
			series: `http_requests_total{$new,code="200"} 0+90x19 1810+100x4
				http_requests_total{$new,code="500"} 0+10x19 190x4`,
			want: []string{"release=new severity=critical: 0.0545455: Release bbbbbbbbbb of prod/app fails 5.455% of its requests"},
		},
		"several pods, and in a Prometheus": {
			series: `http_requests_total{$day2,code="200"} 0+300x24
				http_requests_total{$day2,code="500",route="/"} 0+20x24
				http_requests_total{$day2,code="502",route="/v1"} 0+20x24`,
			every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: []string{"release=new severity=critical: 0.117647: Release bbbbbbbbbb of prod/app fails 11.76% of its requests"},
		},
	},
	"SignalErrorRatioAboveStable": {
		"fails more often": {
			series: `http_requests_total{$new,code="200"} 0+90x24
				http_requests_total{$new,code="500"} 0+10x24
				http_requests_total{$old,code="200"} 0+99x24
				http_requests_total{$old,code="500"} 0+1x24`,
			want: []string{"release=new severity=critical: 0.1: Release bbbbbbbbbb of prod/app fails 10% of its requests, far more than the release beside it"},
		},
		"stable fails never": {
			series: `http_requests_total{$new,code="200"} 0+98.95x24
				http_requests_total{$new,code="500"} 0+1.05x24
				http_requests_total{$old,code="200"} 0+100x24`,
			want: []string{"release=new severity=critical: 0.0105: Release bbbbbbbbbb of prod/app fails 1.05% of its requests, far more than the release beside it"},
		},
		"stable fails never, and candidate hardly": {
			series: `http_requests_total{$new,code="200"} 0+99.05x24
				http_requests_total{$new,code="500"} 0+0.95x24
				http_requests_total{$old,code="200"} 0+100x24`,
		},
		"just above twice as often": {
			series: `http_requests_total{$new,code="200"} 0+788x24
				http_requests_total{$new,code="500"} 0+212x24
				http_requests_total{$old,code="200"} 0+900x24
				http_requests_total{$old,code="500"} 0+100x24`,
			want: []string{"release=new severity=critical: 0.212: Release bbbbbbbbbb of prod/app fails 21.2% of its requests, far more than the release beside it"},
		},
		"twice as often, and one percent": {
			series: `http_requests_total{$new,code="200"} 0+792x24
				http_requests_total{$new,code="500"} 0+208x24
				http_requests_total{$old,code="200"} 0+900x24
				http_requests_total{$old,code="500"} 0+100x24`,
		},
		"hardly an error": {
			series: `http_requests_total{$new,code="500"} 0+0.4x24
				http_requests_total{$new,code="200"} 0+2x24
				http_requests_total{$old,code="200"} 0+100x24`,
		},
		"of several pods and routes": {
			series: `http_requests_total{$new,code="500",route="/"} 0+0.2x24
				http_requests_total{$new,code="503",route="/"} 0+0.05x24
				http_requests_total{$new,code="200",route="/"} 0+0.5x24
				http_requests_total{$new2,code="500",route="/v1"} 0+0.25x24
				http_requests_total{$new2,code="200",route="/v1"} 0+1.5x24
				http_requests_total{$old,code="200",route="/"} 0+5x24
				http_requests_total{$old,code="200",route="/v1"} 0+7x24
				http_requests_total{$old,code="500",route="/"} 0+0.6x24
				http_requests_total{$old,code="500",route="/v1"} 0+0.6x24`,
			want: []string{"release=new severity=critical: 0.2: Release bbbbbbbbbb of prod/app fails 20% of its requests, far more than the release beside it"},
		},
		"hardly less than half of it, in stable's pods": {
			series: `http_requests_total{$new,code="200"} 0+4x24
				http_requests_total{$new,code="500"} 0+1x24
				http_requests_total{$old,code="200"} 0+5x24
				http_requests_total{$older,code="200"} 0+7x24
				http_requests_total{$old,code="500"} 0+0.75x24
				http_requests_total{$older,code="500"} 0+0.75x24`,
		},
		"exactly one percent more than never": {
			series: `http_requests_total{$new,code="200"} 0+99x24
				http_requests_total{$new,code="500"} 0+1x24
				http_requests_total{$old,code="200"} 0+100x24`,
			every: 6 * time.Second,
		},
		"more than a minute ago": {
			series: `http_requests_total{$new,code="200"} 0+80x24
				http_requests_total{$new,code="500"} 0+100x11 1100x13
				http_requests_total{$old,code="200"} 0+100x24`,
		},
		"less than a minute ago": {
			series: `http_requests_total{$new,code="200"} 0+80x18 1440+120x5
				http_requests_total{$new,code="500"} 0+40x18 720x5
				http_requests_total{$old,code="200"} 0+80x18 1440+120x5
				http_requests_total{$old,code="500"} 0+10x18 180x5`,
			want: []string{"release=new severity=critical: 0.166667: Release bbbbbbbbbb of prod/app fails 16.67% of its requests, far more than the release beside it"},
		},
		"hardly enough errors": {
			series: `http_requests_total{$new,code="500"} 0+1x24
				http_requests_total{$old,code="200"} 0+100x24`,
			every: 12 * time.Second,
			want:  []string{"release=new severity=critical: 1: Release bbbbbbbbbb of prod/app fails 100% of its requests, far more than the release beside it"},
		},
		"hardly anything to compare with": {
			series: `http_requests_total{$new,code="500"} 0+10x24
				http_requests_total{$old,code="200"} 0+8x24`,
		},
		"just enough to compare with": {
			series: `http_requests_total{$new,code="500"} 0+1x24
				http_requests_total{$old,code="200"} 0+10x24`,
			every: 6 * time.Second,
			want:  []string{"release=new severity=critical: 1: Release bbbbbbbbbb of prod/app fails 100% of its requests, far more than the release beside it"},
		},
		"the better one": {
			series: `http_requests_total{$new,code="200"} 0+100x24
				http_requests_total{$old,code="200"} 0+80x24
				http_requests_total{$old,code="500"} 0+20x24`,
		},
		"nothing to compare with": {
			series: `http_requests_total{$new,code="500"} 0+100x24`,
		},
		"in a Prometheus, the worse one": {
			series: `http_requests_total{$day1,code="200"} 0+400x24
				http_requests_total{$day2,code="200"} 0+300x24
				http_requests_total{$day2,code="500"} 0+100x24`,
			every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: []string{"release=new severity=critical: 0.25: Release bbbbbbbbbb of prod/app fails 25% of its requests, far more than the release beside it"},
		},
		"in a Prometheus, alone": {
			series: `http_requests_total{$day2,code="200"} 0+300x24
				http_requests_total{$day2,code="500"} 0+100x24`,
			every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
		},
	},
}
