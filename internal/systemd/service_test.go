package systemd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// notifySocket is the socket on which a service manager receives the messages of sd_notify.
type notifySocket struct {
	t    *testing.T
	conn *net.UnixConn
}

func listenNotify(t *testing.T) *notifySocket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return &notifySocket{t, conn}
}

// messages returns the messages since the last call. It does not wait, because a datagram has arrived when its send returns.
func (m *notifySocket) messages() (all []string) {
	m.t.Helper()
	raw, err := m.conn.SyscallConn()
	if err != nil {
		m.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		b := make([]byte, 4096)
		for {
			n, _, err := unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			all = append(all, string(b[:n]))
		}
	})
	return all
}

func TestReloadNotifiesSystemd(t *testing.T) {
	m, s := listenNotify(t), New(nil)
	refused := errors.New("camd.yaml:3:1: no")
	for _, want := range []error{nil, refused} {
		var before []string
		err := s.Reload(context.Background(), func(context.Context) error { before = m.messages(); return want })
		if err != want {
			t.Errorf("got %v, want %v", err, want)
		}
		if len(before) != 1 || !regexp.MustCompile(`\ARELOADING=1\nMONOTONIC_USEC=\d+\n\z`).MatchString(before[0]) {
			t.Errorf("while it reloads: %q", before)
		}
		if after := m.messages(); !slices.Equal(after, []string{"READY=1"}) {
			t.Errorf("afterwards: %q", after)
		}
	}
}

func TestReportSendsOnlyChanges(t *testing.T) {
	m := listenNotify(t)
	synctest.Test(t, func(t *testing.T) {
		var line atomic.Value
		line.Store("one")
		go New(nil).Report(t.Context(), func() string { return line.Load().(string) })
		for _, step := range []struct {
			line string
			wait time.Duration
			want []string
		}{
			{"one", 0, []string{"STATUS=one"}},
			{"one", 10 * reportInterval, nil},
			{"two", 0, nil}, // the interval is not over yet
			{"two", reportInterval, []string{"STATUS=two"}},
		} {
			line.Store(step.line)
			time.Sleep(step.wait)
			synctest.Wait()
			if got := m.messages(); !slices.Equal(got, step.want) {
				t.Errorf("%+v: got %q", step, got)
			}
		}
	})
}

func TestServiceWithoutSystemdDoesNothing(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	t.Setenv("LISTEN_FDS", "")
	s := New(nil)
	s.Ready()
	s.Stopping()
	s.RunWatchdog(t.Context(), "http://127.0.0.1:0/", &http.Transport{}) // returns
	if l, err := Listener(); l != nil || err != nil {
		t.Errorf("%v, %v", l, err)
	}
}
