package admission_test

import (
	"context"
	"strings"
	"testing"
)

// TestKubectl is what people type.
func TestKubectl(t *testing.T) {
	t.Parallel()
	const next = "change spec.template or spec.artifact of SignalDeployment"
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			deployment := "deployment/" + g.objects["deployment"].GetName()
			for command, want := range map[string]string{ // what is said, or nothing: it is let through
				"set image " + deployment + " app=evil":                                     next,
				"set env " + deployment + " LEVEL=debug":                                    next,
				"set resources " + deployment + " --limits=cpu=1":                           next,
				"set serviceaccount " + deployment + " admin":                               next,
				"rollout restart " + deployment:                                             "To restart its pods, change an annotation in spec.template, or delete them",
				"rollout pause " + deployment:                                               next,
				"label " + deployment + " --overwrite delivery.signal.dev/release=00000000": "use labels with a prefix of your own",
				"delete " + deployment + " --dry-run=server":                                "delete the SignalDeployment instead, with --cascade=orphan to keep what it runs",
				"set selector service/app app=mine":                                         "leave this Service out of what you apply",
				"delete configmap --all --dry-run=server":                                   "delete the SignalDeployment instead",
				"label pod/own delivery.signal.dev/name=app":                                "are not given by hand",

				"scale " + deployment + " --replicas=3":                                          "",
				"annotate " + deployment + " example.com/note=seen":                              "",
				"annotate sigdep/app delivery.signal.dev/abort=1":                                "",
				"label " + deployment + " example.com/team=delivery":                             "",
				"label pod/pod example.com/looked-at=yes":                                        "",
				"autoscale " + deployment + " --min=1 --max=3 --dry-run=server":                  "",
				"patch sigdep/app --type=merge -p {\"spec\":{\"paused\":true}} --dry-run=server": "",
				"delete sigdep/app --dry-run=server":                                             "",
			} {
				t.Run(command, func(t *testing.T) {
					t.Parallel()
					_, err := g.kubectl(t.Context(), strings.Fields(command)...)
					switch {
					case want == "" && err != nil:
						t.Errorf("refused: %v", err)
					case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
						t.Errorf("it says: %v\nwant: %s", err, want)
					}
				})
			}
		})
	}
}

// kubectl runs kubectl as someone mighty.
func (g *guard) kubectl(ctx context.Context, args ...string) (string, error) {
	return output(ctx, append([]string{kubectl, "--kubeconfig", g.kubeconfig, "--as", alice, "--namespace", "prod"}, args...)...)
}
