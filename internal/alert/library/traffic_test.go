package library_test

import (
	"fmt"
	"time"
)

var trafficStories = map[string]map[string]story{
	"SignalUnavailable": {
		"one pod of two is gone": {
			series: `up{$new} 1x24
				up{$new2} 1x18 0x6`,
			want: []string{"release=new severity=critical: 0.5: Release bbbbbbbbbb of prod/app answers on 50% of its pods"},
		},
		"just too few": {
			series: `up{$new} 1x24
				up{$new2} 1x24
				up{$new3} 1x18 0.9x6
				up{$new4} 1x18 0x6`,
			want: []string{"release=new severity=critical: 0.725: Release bbbbbbbbbb of prod/app answers on 72.5% of its pods"},
		},
		"just enough": {
			series: `up{$new} 1x24
				up{$new2} 1x24
				up{$new3} 1x24
				up{$new4} 1x18 0x6`,
		},
		"most of the old release": {
			series: `up{$old} 1x18 0x6
				up{$new} 1x24`,
			want: []string{"release=old severity=critical: 0: Release aaaaaaaaaa of prod/app answers on 0% of its pods"},
		},
		"has never answered": {
			series: `up{$new} 0x24`,
		},
		"one pod is about to start": {
			series: `up{$new} 1x24
				up{$new2} 0x24`,
		},
		"for 15 s": {
			series: `up{$new} 1x20 0x4`,
			want:   []string{"release=new severity=critical: 0: Release bbbbbbbbbb of prod/app answers on 0% of its pods"},
		},
		"for 10 s": {
			series: `up{$new} 1x21 0x3`,
		},
		"answered within a day": {
			series: `up{$new} 1 0x360`, every: 4 * time.Minute, at: 23 * time.Hour,
			want: []string{"release=new severity=critical: 0: Release bbbbbbbbbb of prod/app answers on 0% of its pods"},
		},
		"answered more than a day ago": {
			series: `up{$new} 1 0x400`, every: 4 * time.Minute, at: 25 * time.Hour,
		},
	},
	"SignalTrafficDropped": {
		"hardly half of it": {
			series: `http_requests_total{$new,code="200"} 0+72x40 2916.4+36.4x6
				http_requests_total{$old,code="200"} 0+78x40 3155.6+35.6x6`,
			every: 15 * time.Second, at: 690 * time.Second,
			want: []string{"severity=warning: 4.8: prod/app takes 4.8 requests/s, far fewer than before"},
		},
		"just above half of it": {
			series: `http_requests_total{$old,code="200"} 0+150x40 6078+78x6`,
			every:  15 * time.Second, at: 690 * time.Second,
		},
		"for 25 s": {series: `http_requests_total{$old,code="200"} 0+50x120 6000x20`, at: 655 * time.Second},
		"for 30 s": {
			series: `http_requests_total{$old,code="200"} 0+50x120 6000x20`, at: 660 * time.Second,
			want: []string{"severity=warning: 0: prod/app takes 0 requests/s, far fewer than before"},
		},
		"nobody left to take any": {
			series: `http_requests_total{$old,code="200"} 0+150x40 stale`,
			every:  15 * time.Second, at: 690 * time.Second,
			want: []string{"severity=warning: 0: prod/app takes 0 requests/s, far fewer than before"},
		},
		"it was hardly a request a second": {
			series: `http_requests_total{$old,code="200"} 0+17x40 680x6`,
			every:  15 * time.Second, at: 690 * time.Second,
			want: []string{"severity=warning: 0: prod/app takes 0 requests/s, far fewer than before"},
		},
		"it was less than a request a second": {
			series: `http_requests_total{$old,code="200"} 0+14.2x40 568x6`,
			every:  15 * time.Second, at: 690 * time.Second,
		},
		"from one release to the other": {
			series: `http_requests_total{$old,code="200"} 0+150x40 6000x6
				http_requests_total{$new,code="200"} 0x40 0+150x6`,
			every: 15 * time.Second, at: 690 * time.Second,
		},
	},
	"SignalCandidateWithoutTraffic": {
		"by a weight of 10": {
			series: `http_requests_total{$old,code="200"} 0+17.5x24
				http_requests_total{$new,code="200"} 0x24
				signal_rollout_weight{$operator} 10x24`,
			want: []string{"severity=warning: 21: The candidate of prod/app takes no requests, where 21 were to be expected"},
		},
		"as the built-in source says it": {
			series: `http_requests_total{$old,code="200"} 0+17.5x24
				signal_rollout_weight{$new,name="app"} 10x24`,
			want: []string{"severity=warning: 21: The candidate of prod/app takes no requests, where 21 were to be expected"},
		},
		"too few to tell": {
			series: `http_requests_total{$old,code="200"} 0+15.8x24
				signal_rollout_weight{$operator} 10x24`,
		},
		"enough, hardly": {
			series: `http_requests_total{$old,code="200"} 0+20x24
				signal_rollout_weight{$operator} 10x24`,
			every: 6 * time.Second,
			want:  []string{"severity=warning: 20: The candidate of prod/app takes no requests, where 20 were to be expected"},
		},
		"it takes a little": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				http_requests_total{$new,code="200"} 0+0.04x24
				signal_rollout_weight{$operator} 10x24`,
		},
		"no weight yet": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 0x24`,
		},
		"all of the weight": {
			series: `http_requests_total{$new,code="200"} 0+100x24
				signal_rollout_weight{$operator} 100x24`,
		},
		"almost all of the weight": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 95x24`,
			want: []string{"severity=warning: 1140: The candidate of prod/app takes no requests, where 1.14k were to be expected"},
		},
		"for more than a minute": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 0x7 10x16`,
			want: []string{"severity=warning: 120: The candidate of prod/app takes no requests, where 120 were to be expected"},
		},
		"for less than a minute": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 0x15 10x8`,
		},
		"since everything went to it": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 100x15 10x8`,
		},
		"long since everything went to it": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 100x7 10x16`,
			want: []string{"severity=warning: 120: The candidate of prod/app takes no requests, where 120 were to be expected"},
		},
		"built in, for less than a minute": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$new,name="app"} 0x15 10x8`,
		},
		"built in, since everything went to it": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$new,name="app"} 100x15 10x8`,
		},
		"built in, for more than a minute": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$new,name="app"} 0x7 10x16`,
			want: []string{"severity=warning: 120: The candidate of prod/app takes no requests, where 120 were to be expected"},
		},
		"built in, long since everything went to it": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$new,name="app"} 100x7 10x16`,
			want: []string{"severity=warning: 120: The candidate of prod/app takes no requests, where 120 were to be expected"},
		},
		"by a weight that is not ours": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{namespace="ops",exported_namespace="prod",name="shop"} 10x24`,
		},
		"as two replicas of the operator say": {
			series: `http_requests_total{$old,code="200",route="/"} 0+10x24
				http_requests_total{$old,code="200",route="/v1"} 0+7.5x24
				signal_rollout_weight{$operator} 10x24
				signal_rollout_weight{namespace="ops",exported_namespace="prod",name="app",pod="operator-1"} 95x24`,
			want: []string{"severity=warning: 21: The candidate of prod/app takes no requests, where 21 were to be expected"},
		},
		"as one of two replicas says": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} 10x24
				signal_rollout_weight{namespace="ops",exported_namespace="prod",name="app",pod="operator-1"} 100x24`,
		},
		"it took some more than a minute ago": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				http_requests_total{$new,code="200"} 0+100x7 700x16
				signal_rollout_weight{$operator} 10x24`,
			want: []string{"severity=warning: 120: The candidate of prod/app takes no requests, where 120 were to be expected"},
		},
		"it took some less than a minute ago": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				http_requests_total{$new,code="200"} 0+100x14 1400x9
				signal_rollout_weight{$operator} 10x24`,
		},
		"for 15 s": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} _x21 10x3`,
			want: []string{"severity=warning: 120: The candidate of prod/app takes no requests, where 120 were to be expected"},
		},
		"for 10 s": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{$operator} _x22 10x2`,
		},
		"the operator lives here, and speaks of others": {
			series: `http_requests_total{$old,code="200"} 0+100x24
				signal_rollout_weight{namespace="prod",exported_namespace="test",name="app"} 10x24`,
		},
	},
	"SignalErrorBudgetBurningFast":   burning("critical", "two", time.Minute, 14.4),
	"SignalErrorBudgetBurningSlowly": burning("warning", "five", 6*time.Minute, 6),
}

// burning are the stories of a burn rate whose short window is five units of
// time, and whose long one is sixty. There are a million requests in a unit,
// and burn times a thousand errors are what may be.
func burning(severity, days string, unit time.Duration, burn float64) map[string]story {
	play := func(share, failing string, notation string, args ...any) story {
		s := story{
			series: `http_requests_total{$new,code="200"} 0+1000000x150` + "\n" + `http_requests_total{$new,code="500"} ` + fmt.Sprintf(notation, args...),
			every:  unit, at: 140 * unit,
		}
		if share != "" {
			s.want = []string{fmt.Sprintf("release=new severity=%s: %s: Release bbbbbbbbbb of prod/app fails %s of its requests, which spends a month's error budget in %s days", severity, share, failing, days)}
		}
		return s
	}
	most := burn * 1000
	says := func(errors float64) (string, string) { // per million that do not fail
		share := errors / (1e6 + errors)
		return fmt.Sprintf("%.6g", share), fmt.Sprintf("%.4g%%", share*100)
	}
	above, aboveText := says(most * 1.05)
	half, halfText := says(most * 1.25)
	much, muchText := says(most * 1.5)
	aboveBoth, bothText := says(most * 1.2)
	few, fewText := "1", "100%"
	all := map[string]story{
		"just too fast":              play(above, aboveText, "0+%fx150", most*1.05),
		"just slow enough":           play("", "", "0+%fx150", most*0.95),
		"of late alone":              play("", "", "0x135 0+%fx14", most*10),
		"it was so, and is no more":  play("", "", "0+%fx133 %fx16", most*10, most*1330),
		"it was so a moment ago":     play(half, halfText, "0+%fx137 %fx12", most*5, most*5*137),
		"for most of the long time":  play(much, muchText, "0x90 %f+%fx59", most*1.5, most*1.5),
		"for less of the long time":  play("", "", "0x115 %f+%fx34", most*1.8, most*1.8),
		"of late, on top of little":  play("", "", "0+%fx135 %f+%fx14", most*0.95, most*128.25, most*1.5),
		"less of late":               play("", "", "0+%fx133 %f+%fx16", most*3, most*400, most*0.95),
		"long ago, and of late":      play("", "", "0+%fx70 %fx64 %f+%fx14", most*10, most*700, most*700, most*2),
		"hardly any error":           {series: `http_requests_total{$new,code="500"} 0+1.9x150` + "\n" + `http_requests_total{$new,code="200"} 0+5x150`, every: unit, at: 140 * unit},
		"hardly enough":              {series: `http_requests_total{$new,code="500"} 0+2.1x150`, every: unit, at: 140 * unit},
		"users' own mistakes":        {series: `http_requests_total{$new,code="404"} 0+100x150`, every: unit, at: 140 * unit},
		"just enough for an opinion": {series: `http_requests_total{$new,code="500"} 0+2x150`, every: unit, at: 140 * unit},
	}
	all["of two pods together"] = play(aboveBoth, bothText, "0+%fx150\nhttp_requests_total{$new2,code=\"500\"} 0+%fx150", most*0.6, most*0.6)
	all["of late, of two pods' requests"] = play("", "", "0+%fx135 %f+%fx14\nhttp_requests_total{$new2,code=\"200\"} 0+1000000x150", most*1.5, most*207.5, most*5)
	all["of several pods"] = story{
		series: `http_requests_total{$new,code="200",route="/"} 0+3x150
			http_requests_total{$new2,code="200",route="/"} 0+5x150
			http_requests_total{$new,code="500",route="/"} 0+1x150
			http_requests_total{$new2,code="500",route="/v1"} 0+1x150`,
		every: unit, at: 140 * unit, want: play("0.2", "20%", "").want,
	}
	for _, name := range []string{"hardly enough", "just enough for an opinion"} {
		s := all[name]
		s.want = play(few, fewText, "").want
		all[name] = s
	}
	return all
}
