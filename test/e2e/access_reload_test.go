package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"camd/internal/peer"
	"camd/pkg/access"
)

// A user that a reload removes is refused, and his stream ends, before the reload waits for a capture process that hangs.
func TestRemovedUserIsRefusedBeforeCamerasAreReopened(t *testing.T) {
	hash := access.HashPassword("hunter2")
	config := func(round int, guest string) string {
		return fmt.Sprintf("auth:\n  users:\n    root: {role: admin, hash: '%s'}\n", hash) + guest +
			fmt.Sprintf("cameras:\n  - {id: hall, source: 'test://?size=64x64&fps=10'}\n  - {id: hung, source: 'test://?size=64x64&fps=%d'}\n", 5+round)
	}
	guest := fmt.Sprintf("    guest: {role: view, hash: '%s'}\n", hash)
	d := start(t, options{config: config(0, guest)})
	as := func(name string) visitor {
		return visitor{t, d, func(r *http.Request) { r.SetBasicAuth(name, "hunter2") }}
	}
	reload := func(text string) {
		t.Helper()
		if err := os.WriteFile(d.config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	// A round may miss the moment between the refusal and the end of the process on a very busy machine.
	const rounds = 5
	for round := range rounds {
		eventually(t, "the guest to be known", func() bool { return as("guest").asks("/api/v1/cameras") == http.StatusOK })
		pid := workerOf(t, as("root"), "hung")
		stream, err := as("guest").open("/cameras/hall/stream.mjpg")
		if err != nil || stream.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", stream, err)
		}
		if err := peer.Signal(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		reload(config(round+1, ""))
		eventually(t, "the guest to be refused", func() bool { return as("guest").asks("/api/v1/cameras") == http.StatusUnauthorized })
		refused, hung := time.Since(begin), running(pid)
		_, _ = io.Copy(io.Discard, stream.Body)
		_ = stream.Body.Close()
		ended := time.Since(begin)
		hung = hung && running(pid)
		eventually(t, "the process that hangs to be replaced", func() bool { return !running(pid) })
		t.Logf("refused after %v, stream ended after %v, process replaced after %v", refused, ended, time.Since(begin))
		if hung {
			return
		}
		reload(config(round+1, guest))
	}
	t.Errorf("in %d rounds the guest was never refused before the process was replaced", rounds)
}

// workerOf waits for a camera's capture process and returns its number.
func workerOf(t *testing.T, admin visitor, camera string) (pid int) {
	t.Helper()
	eventually(t, "the capture process of "+camera, func() bool {
		var s state
		admin.decodes("/api/v1/cameras/"+camera, &s)
		pid = s.Worker.PID
		return s.State == "live" && pid != 0
	})
	return pid
}
