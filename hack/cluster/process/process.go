// Package process starts programs that outlive this one, and stops exactly
// those: a record holds each one's pid, start time and executable, and a pid
// that no longer matches its record is never signalled.
package process

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Program is what to run. Sum changes when it must be started anew, although
// its arguments have not changed (its configuration file has).
type Program struct {
	Name string
	Path string
	Args []string
	Env  []string
	Sum  string
}

// record is what is remembered of a started program.
type record struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // clock ticks since boot, from /proc
	Path    string `json:"path"`
	Digest  string `json:"digest"`
}

// Supervisor keeps records in one folder and logs in another.
type Supervisor struct {
	Run  string
	Logs string
}

// Ensure starts a program unless this very program already runs.
func (s Supervisor) Ensure(p Program) (started bool, err error) {
	if s.Current(p) {
		return false, nil
	}
	if err := s.Stop(p.Name, 10*time.Second); err != nil {
		return false, err
	}
	return true, s.start(p)
}

// Current says whether the program runs as described.
func (s Supervisor) Current(p Program) bool {
	r, err := s.read(p.Name)
	return err == nil && r.alive() && r.Digest == p.digest()
}

// PID is the running program's, or 0.
func (s Supervisor) PID(name string) int {
	r, err := s.read(name)
	if err != nil || !r.alive() {
		return 0
	}
	return r.PID
}

func (s Supervisor) start(p Program) error {
	for _, dir := range []string{s.Run, s.Logs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(s.Log(p.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C here is not for it
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() { _ = cmd.Wait() }() // while this process lives, it must reap
	r := record{PID: cmd.Process.Pid, Started: startTime(cmd.Process.Pid), Path: p.Path, Digest: p.digest()}
	return s.write(p.Name, r)
}

// Stop ends a recorded program, first politely, and forgets it.
func (s Supervisor) Stop(name string, grace time.Duration) error {
	r, err := s.read(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.stop(grace); err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	return os.Remove(s.file(name))
}

func (r record) stop(grace time.Duration) error {
	for _, attempt := range []struct {
		signal syscall.Signal
		grace  time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, 10 * time.Second}} {
		if !r.alive() {
			return nil
		}
		_ = syscall.Kill(r.PID, attempt.signal)
		for deadline := time.Now().Add(attempt.grace); r.alive() && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if r.alive() {
		return fmt.Errorf("process %d does not end", r.PID)
	}
	return nil
}

// alive is true only of the process that was started: same pid, same start
// time, same executable.
func (r record) alive() bool {
	return Executable(r.PID) == r.Path && startTime(r.PID) == r.Started
}

// Executable is the file that a process runs, also after the file was
// replaced; empty for a process that has ended.
func Executable(pid int) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

// startTime is field 22 of /proc/pid/stat; the name in field 2 may hold spaces.
func startTime(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	after := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(after) < 20 {
		return ""
	}
	return after[19]
}

// Log is a program's log file.
func (s Supervisor) Log(name string) string { return filepath.Join(s.Logs, name+".log") }

// Names lists the recorded programs.
func (s Supervisor) Names() []string {
	files, _ := filepath.Glob(filepath.Join(s.Run, "*.json")) // the pattern is constant
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return names
}

func (s Supervisor) file(name string) string { return filepath.Join(s.Run, name+".json") }

func (s Supervisor) read(name string) (record, error) {
	var r record
	text, err := os.ReadFile(s.file(name))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

func (s Supervisor) write(name string, r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(s.file(name), text, 0o644)
}

func (p Program) digest() string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %q %q %q", p.Path, p.Args, p.Env, p.Sum)))
	return hex.EncodeToString(sum[:8])
}
