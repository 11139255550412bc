package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCrashes(t *testing.T) {
	at := metav1.NewTime(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	end := func(code int32, reason, message string) *corev1.ContainerStateTerminated {
		return &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message, FinishedAt: at}
	}
	last := func(end *corev1.ContainerStateTerminated, restarts int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "main", RestartCount: restarts, LastTerminationState: corev1.ContainerState{Terminated: end}}
	}
	const logs = "; see kubectl logs -n prod app-aaa-x -c main --previous"
	for name, tc := range map[string]struct {
		status corev1.ContainerStatus
		policy corev1.TerminationMessagePolicy
		says   []string
		again  bool
	}{
		"none":                        {},
		"it runs again":               {last(end(1, "Error", ""), 1), "", []string{"exit code 1 (Error) while it was to serve"}, false},
		"it has just ended":           {corev1.ContainerStatus{Name: "main", State: corev1.ContainerState{Terminated: end(0, "Completed", "")}}, "", []string{"exit code 0 (Completed) while it was to serve"}, false},
		"it has run out of memory":    {last(end(137, "OOMKilled", ""), 2), "", []string{"exit code 137 (OOMKilled) while it was to serve"}, true},
		"it says why":                 {last(end(1, "Error", "POSTGRES_URL: no such host\n"), 1), "", []string{"exit code 1 (Error) while it was to serve: POSTGRES_URL: no such host"}, false},
		"it says why, with a secret":  {last(end(1, "Error", "password=hunter22 is wrong"), 1), "", []string{"exit code 1 (Error) while it was to serve: password=[redacted] is wrong"}, false},
		"only its log says why":       {last(end(1, "Error", "Authorization is wrong"), 1), corev1.TerminationMessageFallbackToLogsOnError, []string{"exit code 1 (Error) while it was to serve"}, false},
		"its command cannot be found": {last(end(128, "StartError", `exec: "/nope": no such file`), 1), corev1.TerminationMessageFallbackToLogsOnError, []string{`exit code 128 (StartError) while it was to serve: exec: "/nope": no such file`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("aaa", "x", tc.status)
			p.Spec.Containers = []corev1.Container{{Name: "main", TerminationMessagePolicy: tc.policy}}
			var says []string
			for _, c := range crashes([]corev1.Pod{*p}) {
				says = append(says, c.Verdict.Message)
				if c.Time != at || c.Again != tc.again || c.Verdict.Evidence.Time != at {
					t.Errorf("%+v", c)
				}
			}
			for i := range tc.says {
				tc.says[i] = `Container "main" of pod "app-aaa-x" ended with ` + tc.says[i] + logs
			}
			if diff := cmp.Diff(tc.says, says); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
