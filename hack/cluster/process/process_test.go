package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func supervisor(t *testing.T) (Supervisor, Program) {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no sleep on this machine")
	}
	if sleep, err = filepath.EvalSymlinks(sleep); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return Supervisor{Run: dir, Logs: dir}, Program{Name: "sleeper", Path: sleep, Args: []string{"60"}}
}

func TestEnsureStartsOnce(t *testing.T) {
	s, p := supervisor(t)
	t.Cleanup(func() { _ = s.Stop(p.Name, time.Second) })

	first, err := s.Ensure(p)
	if err != nil || !first {
		t.Fatalf("first Ensure = %v, %v; want it to start", first, err)
	}
	pid := s.PID(p.Name)
	if second, err := s.Ensure(p); err != nil || second || s.PID(p.Name) != pid {
		t.Fatalf("second Ensure = %v, %v, pid %d; want pid %d untouched", second, err, s.PID(p.Name), pid)
	}
	p.Sum = "another configuration"
	if third, err := s.Ensure(p); err != nil || !third || s.PID(p.Name) == pid {
		t.Fatalf("Ensure after a change = %v, %v, pid %d; want a new process", third, err, s.PID(p.Name))
	}
}

func TestStopSparesAStrangerWithTheSamePID(t *testing.T) {
	s, p := supervisor(t)
	if _, err := s.Ensure(p); err != nil {
		t.Fatal(err)
	}
	pid := s.PID(p.Name)
	stranger, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Kill() })

	for situation, r := range map[string]record{
		"another executable": {PID: pid, Started: startTime(pid), Path: "/usr/bin/other"},
		"another start time": {PID: pid, Started: "1", Path: p.Path},
	} {
		if err := s.write(p.Name, r); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(p.Name, time.Second); err != nil {
			t.Errorf("%s: Stop: %v", situation, err)
		}
		if Executable(pid) != p.Path {
			t.Fatalf("%s: the stranger was killed", situation)
		}
	}
}

func TestStopTwice(t *testing.T) {
	s, p := supervisor(t)
	if _, err := s.Ensure(p); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(p.Name, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if pid := s.PID(p.Name); pid != 0 {
		t.Errorf("pid %d still runs", pid)
	}
}
