package host

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// settings are what the cluster or its kubelet changes in the kernel.
var settings = []string{
	"net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom",
	"kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	"net/netfilter/nf_conntrack_max", "net/ipv4/conf/all/route_localnet", "net/bridge/bridge-nf-call-iptables",
}

// SetKernel notes the settings as they were, once, and turns forwarding on.
func SetKernel(note string) error {
	if _, err := os.Stat(note); errors.Is(err, os.ErrNotExist) {
		before := map[string]string{}
		for _, s := range settings {
			if value, err := os.ReadFile(filepath.Join("/proc/sys", s)); err == nil { // some kernels lack some
				before[s] = strings.TrimSpace(string(value))
			}
		}
		text, err := json.Marshal(before)
		if err != nil {
			return err
		}
		if err := os.WriteFile(note, text, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// RestoreKernel puts the noted settings back.
func RestoreKernel(note string) error {
	text, err := os.ReadFile(note)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var before map[string]string
	if err := json.Unmarshal(text, &before); err != nil {
		return err
	}
	var problems []error
	for s, value := range before {
		now, err := os.ReadFile(filepath.Join("/proc/sys", s))
		if err != nil || strings.TrimSpace(string(now)) == value {
			continue
		}
		problems = append(problems, os.WriteFile(filepath.Join("/proc/sys", s), []byte(value), 0o644))
	}
	return errors.Join(problems...)
}
