package library_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/signal-delivery/operator/internal/alert/library"
)

var signalStories = map[string]map[string]story{
	"SignalStale": {
		"just": {
			series: `signals_last_published_timestamp_seconds{$old} 1000000x40
				signals_last_published_timestamp_seconds{$new} 999990x40`,
			at:   125 * time.Second,
			want: []string{"severity=critical: 125: prod/app published its newest signal 2m 5s ago"},
		},
		"just not":                 {series: `signals_last_published_timestamp_seconds{$old} 1000000x40`},
		"one release publishes":    {series: `signals_last_published_timestamp_seconds{$old} 1000000x40` + "\n" + `signals_last_published_timestamp_seconds{$new} 1000000+5x40`, at: 190 * time.Second},
		"nothing was published":    {series: `signals_last_published_timestamp_seconds{$new} 0x24`},
		"in the first second ever": {series: `signals_last_published_timestamp_seconds{$new} 1x24`, want: []string{"severity=critical: 1.00012e+06: prod/app published its newest signal 11d 13h 48m 39s ago"}},
		"in a Prometheus": {
			series: `signals_last_published_timestamp_seconds{$day1} 1000000x24`, every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: []string{"severity=critical: 360: prod/app published its newest signal 6m 0s ago"},
		},
	},
	"SignalVolumeLow": {
		"just too low": {
			series: `signals_published_total{$new} 0+48x24
				http_requests_total{$new,code="200"} 0+100x24
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
			want: newSays("", "warning", "0.48", "publishes 480m signals per request, far fewer than the release beside it"),
		},
		"just enough": {
			series: `signals_published_total{$new} 0+52x24
				http_requests_total{$new,code="200"} 0+100x24
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
		},
		"half of it": {
			series: `signals_published_total{$new} 0+50x24
				http_requests_total{$new,code="200"} 0+100x24
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
		},
		"of several pods": {
			series: `signals_published_total{$new} 0+8x24
				signals_published_total{$new2} 0+8x24
				http_requests_total{$new,code="200"} 0+8x24
				http_requests_total{$new2,code="200"} 0+6x24
				signals_published_total{$old,kind="a"} 0+30x24
				signals_published_total{$old,kind="b"} 0+30x24
				http_requests_total{$old,code="200"} 0+7x24
				http_requests_total{$old,code="404"} 0+8x24`,
			want: newSays("", "warning", "1.14286", "publishes 1.143 signals per request, far fewer than the release beside it"),
		},
		"more than a minute ago": {
			series: `signals_published_total{$new} 0+100x5 500+1x19
				http_requests_total{$new,code="200"} 0+100x24
				signals_published_total{$old} 0+100x5 500+10x19
				http_requests_total{$old,code="200"} 0+100x24`,
			want: newSays("", "warning", "0.01", "publishes 10m signals per request, far fewer than the release beside it"),
		},
		"nothing at all": {
			series: `http_requests_total{$new,code="200"} 0+100x24
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
			want: newSays("", "warning", "0", "publishes 0 signals per request, far fewer than the release beside it"),
		},
		"hardly a request": {
			series: `http_requests_total{$new,code="200"} 0+8x24
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
		},
		"hardly enough requests": {
			series: `http_requests_total{$new,code="200"} 0+10x24
				signals_published_total{$old} 0+10x24
				http_requests_total{$old,code="200"} 0+10x24`,
			every: 6 * time.Second,
			want:  newSays("", "warning", "0", "publishes 0 signals per request, far fewer than the release beside it"),
		},
		"hardly anything to compare with": {
			series: `http_requests_total{$new,code="200"} 0+100x24
				signals_published_total{$old} 0+8x24
				http_requests_total{$old,code="200"} 0+8x24`,
		},
		"the busier one": {
			series: `signals_published_total{$new} 0+1000x24
				http_requests_total{$new,code="200"} 0+1000x24
				signals_published_total{$old} 0+100x24
				http_requests_total{$old,code="200"} 0+1000x24`,
		},
		"in a Prometheus, the lower one": {
			series: `signals_published_total{$day1} 0+1000x24
				http_requests_total{$day1,code="200"} 0+1000x24
				signals_published_total{$day2} 0+100x24
				http_requests_total{$day2,code="200"} 0+1000x24`,
			every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: newSays("", "warning", "0.1", "publishes 100m signals per request, far fewer than the release beside it"),
		},
		"for 30 s": {
			series: `http_requests_total{$new,code="200"} _x17 0+1000x7
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
			want: newSays("", "warning", "0", "publishes 0 signals per request, far fewer than the release beside it"),
		},
		"for 25 s": {
			series: `http_requests_total{$new,code="200"} _x18 0+1000x6
				signals_published_total{$old} 0+1000x24
				http_requests_total{$old,code="200"} 0+1000x24`,
		},
	},
	"SignalDuplicated": {
		"just": {
			series: `signals_duplicates_total{$new} 0+0.525x24
				signals_duplicates_total{$new2} 0+0.525x24
				signals_published_total{$new} 0+100x24`,
			want: newSays("", "critical", "0.0105", "publishes 1.05% of its signals twice"),
		},
		"not quite": {
			series: `signals_duplicates_total{$new} 0+1x24
				signals_published_total{$new} 0+100x24`,
		},
		"of several pods": {
			series: `signals_duplicates_total{$new} 0+0.25x24
				signals_duplicates_total{$new2} 0+0.25x24
				signals_published_total{$new} 0+2x24
				signals_published_total{$new2} 0+3x24`,
			want: newSays("", "critical", "0.1", "publishes 10% of its signals twice"),
		},
		"hardly one": {
			series: `signals_duplicates_total{$new} 0+0.4x24
				signals_published_total{$new} 0+4x24`,
		},
		"hardly enough": {
			series: `signals_duplicates_total{$new} 0+0.5x24
				signals_published_total{$new} 0+5x24`,
			every: 6 * time.Second,
			want:  newSays("", "critical", "0.1", "publishes 10% of its signals twice"),
		},
		"more than a minute ago": {
			series: `signals_duplicates_total{$new} 0+40x11 440x13
				signals_published_total{$new} 0+100x24`,
		},
		"less than a minute ago": {
			series: `signals_duplicates_total{$new} 0+40x17 680x7
				signals_published_total{$new} 0+100x17 1700+50x7`,
			want: newSays("", "critical", "0.228571", "publishes 22.86% of its signals twice"),
		},
	},
	"SignalWatermarkFailing": failing("signals_watermark_failures_total", "could not watermark %s signals"),
	"SignalRedactionFailing": failing("signals_redaction_failures_total", "could not redact %s log entries"),
	"SignalCertificateExpiring": {
		"just": {
			series: `signals_certificate_expiry_timestamp_seconds{$new} 1600000x24
				signals_certificate_expiry_timestamp_seconds{$new2} 9000000x24`,
			want: newSays("", "warning", "599880", "has a certificate that expires in 6d 22h 38m 0s"),
		},
		"not yet":                   {series: `signals_certificate_expiry_timestamp_seconds{$new} 1620000x24`},
		"a week from now":           {series: `signals_certificate_expiry_timestamp_seconds{$new} 1604920x24`},
		"there is none":             {series: `signals_certificate_expiry_timestamp_seconds{$new} 0x24`},
		"it expired in the sixties": {series: `signals_certificate_expiry_timestamp_seconds{$new} 1x24`, want: newSays("", "warning", "-1.00012e+06", "has a certificate that expires in -11d 13h 48m 39s")},
	},
}

// failing are the stories of a counter that must not move.
func failing(metric, text string) map[string]story {
	says := func(value string) []string {
		return newSays("", "critical", value, fmt.Sprintf(text, value))
	}
	return map[string]story{
		"never":                       {series: metric + `{$new} 0x24`},
		"once":                        {series: metric + `{$new} 0x18 1x6` + "\n" + metric + `{$new2} 0x24`, want: says("1")},
		"in two pods":                 {series: metric + `{$new} 0x18 1x6` + "\n" + metric + `{$new2} 0x18 1x6`, want: says("2")},
		"more than a minute ago":      {series: metric + `{$new} 0x10 1x14`},
		"less than a minute ago":      {series: metric + `{$new} 0x14 1x10`, want: says("1")},
		"a counter that begins at 1":  {series: metric + `{$new} _x18 1x6` + "\n" + metric + `{$new2} _x18 1x6`, want: says("2")},
		"a counter that begins at 0":  {series: metric + `{$new} _x18 0x6`},
		"it began long ago":           {series: metric + `{$new} 1x24`},
		"it began half a minute ago":  {series: metric + `{$new} _x16 1x8`, want: says("1")},
		"it began five quarters ago":  {series: metric + `{$new} _x9 1x15`},
		"when stable is first seen":   {series: metric + `{$old} _x18 1x6`},
		"in a Prometheus":             {series: metric + `{$day2} _x18 1x6`, every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow, want: says("1")},
		"in stable, while it is seen": {series: metric + `{$old} 0x18 1x6`, want: []string{strings.NewReplacer("release=new", "release=old", "bbbbbbbbbb", "aaaaaaaaaa").Replace(says("1")[0])}},
	}
}
