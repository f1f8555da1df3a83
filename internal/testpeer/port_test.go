package testpeer

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Tests of several packages run at the same time in several processes, and must not get the same port.
func TestFreePortIsReserved(t *testing.T) {
	const ports = 3000
	if os.Getenv("CAMD_TEST_PORTS") != "" {
		for range ports {
			t.Log("port", FreePort(t))
		}
		return
	}
	seen := map[string]bool{}
	for range ports {
		seen[strconv.Itoa(FreePort(t))] = true
	}
	other := exec.Command(os.Args[0], "-test.run=^TestFreePortIsReserved$", "-test.v")
	other.Env = append(os.Environ(), "CAMD_TEST_PORTS=1")
	out, err := other.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if _, port, ok := strings.Cut(strings.TrimSpace(line), ": port "); ok {
			if seen[port] {
				t.Errorf("two tests got port %s", port)
			}
			seen[port] = true
		}
	}
	if len(seen) != 2*ports {
		t.Errorf("%d different ports, want %d", len(seen), 2*ports)
	}
}
