package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/signal-delivery/operator/hack/cluster/process"
)

// Unmount removes every mount below a folder, deepest first.
func Unmount(folder string) error {
	points, err := mountsBelow(folder)
	if err != nil {
		return err
	}
	for _, point := range points {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	if points, err = mountsBelow(folder); err == nil && len(points) > 0 {
		return fmt.Errorf("%d mounts remain below %s", len(points), folder)
	}
	return err
}

func mountsBelow(folder string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.SplitSeq(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) > 4 && strings.HasPrefix(words[4], folder+"/") {
			points = append(points, unescape(words[4]))
		}
	}
	sort.Slice(points, func(i, j int) bool { return len(points[i]) > len(points[j]) })
	return points, nil
}

// unescape turns the octal escapes of mountinfo back.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// KillShims ends the shims of a containerd that can no longer be asked, with
// everything below them. A shim is known by its executable, which is one of the
// binaries we built, and by the socket it was started for.
func KillShims(binaries, socket string) {
	children := map[int][]int{}
	var shims []int
	entries, _ := os.ReadDir("/proc") // always there on Linux
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		children[parent(pid)] = append(children[parent(pid)], pid)
		if strings.HasPrefix(process.Executable(pid), binaries+"/containerd-shim-") && strings.Contains(commandLine(pid), socket) {
			shims = append(shims, pid)
		}
	}
	for _, shim := range shims {
		killTree(shim, children)
	}
}

func killTree(pid int, children map[int][]int) {
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range children[pid] {
		killTree(child, children)
	}
}

func parent(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // it may have just ended
	words := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(words) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(words[1])
	return ppid
}

func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may have just ended
	return strings.ReplaceAll(string(text), "\x00", " ")
}

// RemoveCgroups removes the kubelet's groups, deepest first.
func RemoveCgroups() error {
	roots, _ := filepath.Glob("/sys/fs/cgroup/*/kubepods") // the patterns are constant
	single, _ := filepath.Glob("/sys/fs/cgroup/kubepods")
	var problems []error
	for _, root := range append(roots, single...) {
		var dirs []string
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			problems = append(problems, syscall.Rmdir(dir))
		}
	}
	return errors.Join(problems...)
}
