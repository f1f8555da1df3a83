package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// When memory runs out, the kernel kills the process with the highest score. That is a capture process, not the daemon.
func TestCaptureProcessIsPreferredByTheOOMKiller(t *testing.T) {
	d := start(t, options{config: healthyCamera})
	worker := d.waitForState("healthy", "live").Worker.PID
	own, daemon := oomScore(t, worker), oomScore(t, d.cmd.Process.Pid)
	if want := max(500, daemon); own != want || daemon >= 500 {
		t.Errorf("the capture process has score %d and the daemon %d, want %d and less than 500", own, daemon, want)
	}
}

func oomScore(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
	if err != nil {
		t.Fatal(err)
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return score
}

// The daemon's Go memory limit is half of the memory, unless GOMEMLIMIT in the environment sets another.
func TestMemoryLimitIsSet(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want func(limit int) bool
	}{
		{nil, func(limit int) bool { return limit > 0 && limit <= machineMemory(t)/2 }},
		{[]string{"GOMEMLIMIT=300MiB"}, func(limit int) bool { return limit == 300<<20 }},
	} {
		d := start(t, options{config: healthyCamera, args: []string{"--log-level", "debug"}, env: tt.env})
		_, rest, found := strings.Cut(d.stderr.String(), `"msg":"memory limit set","bytes":`)
		digits, _, _ := strings.Cut(rest, "}")
		limit, err := strconv.Atoi(digits)
		if !found || err != nil || !tt.want(limit) {
			t.Errorf("with %q in the environment the limit is %d (%v)", tt.env, limit, err)
		}
	}
}

// machineMemory returns how many bytes of memory the machine has.
func machineMemory(t *testing.T) (bytes int) {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes int
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes * 1024
}
