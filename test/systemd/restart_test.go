package systemd

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"camd/internal/testrun"
)

// waitForNewProcess waits until another process serves, and logs how long that took since begin.
func waitForNewProcess(t *testing.T, pid int, what string, begin time.Time) {
	t.Helper()
	another := func() bool { now := mainPID(t); return now != 0 && now != pid }
	testrun.WaitFor(t, "another process", another)
	began := time.Since(begin).Round(100 * time.Millisecond)
	testrun.WaitFor(t, "camd to serve", func() bool { return another() && property(t, "ActiveState") == "active" })
	t.Logf("%s: another process after %v, READY after %v", what, began, time.Since(begin).Round(100*time.Millisecond))
}

func TestKilledDaemonIsRestarted(t *testing.T) {
	serve(t, pattern)
	waitForStatus(t, "1 of 1 camera live, 0 viewers")
	pid, begin := mainPID(t), time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitForNewProcess(t, pid, "killed", begin)
	waitForStatus(t, "1 of 1 camera live, 0 viewers")
}

func TestStoppedProcessIsReplaced(t *testing.T) {
	serve(t, pattern)
	waitForStatus(t, "1 of 1 camera live, 0 viewers")
	pid, begin := mainPID(t), time.Now()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitForNewProcess(t, pid, "SIGSTOP", begin)
	if log := journal(t, begin, "debug"); !strings.Contains(log, "Watchdog timeout") {
		t.Errorf("in the journal:\n%s", log)
	}
	waitForStatus(t, "1 of 1 camera live, 0 viewers")
}

// The watchdog finds a blocked supervisor although requests are answered, and systemd restarts camd. With the build tag testhook,
// SIGUSR1 blocks the supervisor of the camera "blocked".
func TestBlockedSupervisorRestartsDaemon(t *testing.T) {
	if err := copyFile(filepath.Join(os.Getenv("CAMD_BIN"), "camd-testhook"), daemon); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := install(); err != nil {
			t.Error(err)
		}
	})
	serve(t, pattern, "id: blocked, source: 'test://?size=160x96&fps=10'")
	waitForStatus(t, "2 of 2 cameras live, 0 viewers")
	pid, begin := mainPID(t), time.Now()
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	waitForNewProcess(t, pid, "blocked", begin)
	log := journal(t, begin, "err")
	if n := strings.Count(log, `"msg":"watchdog not fed"`); n != 1 || !strings.Contains(log, "camera blocked: its supervisor has not responded since") ||
		!strings.Contains(log, "blockedObserver.Published") {
		t.Errorf("%d times among the errors:\n%s", n, log)
	}
	waitForStatus(t, "2 of 2 cameras live, 0 viewers")
}

// Clients that connect while camd restarts wait and are served.
func TestSocketActivationLosesNoClient(t *testing.T) {
	configure(t, pattern)
	systemctl(t, "start", "camd.socket")
	if state, _ := testrun.Run(t, "systemctl", "is-active", "camd.service"); state != "inactive\n" {
		t.Fatalf("camd is %s before the first client, want inactive", state)
	}
	serve(t, pattern)
	waitForStatus(t, "1 of 1 camera live, 0 viewers")

	var asking sync.WaitGroup
	enough := make(chan struct{})
	answered, longest := 0, time.Duration(0)
	asking.Go(func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for {
			select {
			case <-enough:
				return
			default:
			}
			begin := time.Now()
			conn, err := net.Dial("tcp", "127.0.0.1:8080")
			if err != nil {
				t.Errorf("after %d: %v", answered, err)
				return
			}
			_ = conn.Close()
			answer, err := client.Get("http://127.0.0.1:8080/healthz")
			if errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("after %d: %v", answered, err)
				return
			} else if err != nil {
				t.Logf("after %d: %v", answered, err) // it was accepted just before camd stopped
				continue
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			answered, longest = answered+1, max(longest, time.Since(begin))
		}
	})
	for range 3 {
		pid := mainPID(t)
		systemctl(t, "restart", "camd.service")
		if now := mainPID(t); now == pid {
			t.Errorf("process %d still runs", pid)
		}
	}
	close(enough)
	asking.Wait()
	t.Logf("%d requests answered during three restarts, none refused; the longest waited %v", answered, longest.Round(10*time.Millisecond))
	if answered == 0 {
		t.Error("no request was answered")
	}
}
