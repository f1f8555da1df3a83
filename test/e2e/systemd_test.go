package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// listenNotify collects the messages of a camd to the service manager.
func listenNotify(t *testing.T) (socket string, heard *testrun.Output) {
	t.Helper()
	socket, heard = filepath.Join(t.TempDir(), "notify"), &testrun.Output{}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
	reading.Go(func() {
		for b := make([]byte, 4096); ; {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			_, _ = heard.Write(append(b[:n:n], '\n'))
		}
	})
	return socket, heard
}

func TestSystemdIsNotified(t *testing.T) {
	t.Parallel()
	i := testpeer.Certificate{}.Make(t)
	for name, tls := range map[string]string{"http": "", "https": fmt.Sprintf("tls: {certificate: %s, key: %s}\n", i.File, i.Key)} {
		t.Run(name, func(t *testing.T) {
			socket, heard := listenNotify(t)
			d := start(t, options{
				config: tls + healthyCamera + "  - {id: broken, source: /dev/camd-has-no-such-device}\n",
				env:    []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=1200000"},
			})
			waitFor := func(line string) {
				t.Helper()
				eventually(t, line, func() bool { return slices.Contains(strings.Split(heard.String(), "\n"), line) })
			}
			waitFor("READY=1")
			waitFor("STATUS=1 of 2 cameras live (broken is offline), 0 viewers")
			if tls == "" {
				watch(t, d.URL+"/cameras/healthy/stream.mjpg")
				waitFor("STATUS=1 of 2 cameras live (broken is offline), 1 viewer")
			}
			fed := strings.Count(heard.String(), "WATCHDOG=1")
			eventually(t, "the watchdog to be fed", func() bool { return strings.Count(heard.String(), "WATCHDOG=1") > fed+1 })
			d.stop()
			waitFor("STOPPING=1")
		})
	}
}

// openListener opens a listener as systemd does.
func openListener(t *testing.T, at string) (net.Listener, *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return l, file
}

// startWithListener starts camd and passes it a listener as systemd does.
func startWithListener(t *testing.T, l *os.File, config string) *daemon {
	t.Helper()
	d := &daemon{t: t, config: write(t, t.TempDir(), "camd.yaml", config), exited: make(chan struct{})}
	// The shell knows its process ID, which remains that of camd.
	d.cmd = exec.Command("sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, testrun.Program(t, "camd"), "serve", "-c", d.config)
	d.cmd.ExtraFiles = []*os.File{l}
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(d.exited); _ = d.cmd.Wait() }()
	t.Cleanup(d.close)
	return d
}

// One camd after another serves the same socket, and clients that connect between them wait.
func TestListenerFromSystemdIsServed(t *testing.T) {
	t.Parallel()
	l, file := openListener(t, "127.0.0.1:0")
	url := "http://" + l.Addr().String() + "/healthz"
	for _, listen := range []string{l.Addr().String(), "127.0.0.1:1"} {
		var asking sync.WaitGroup
		asking.Go(func() { // before camd runs
			answer, err := http.Get(url)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		})
		d := startWithListener(t, file, "listen: "+listen+"\n"+healthyCamera)
		asking.Wait()
		http.DefaultClient.CloseIdleConnections()
		if code, _ := d.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if overridden := strings.Contains(d.stderr.String(), "configured address not served"); overridden != (listen == "127.0.0.1:1") {
			t.Errorf("configured %s, served %s:\n%s", listen, l.Addr(), d.stderr.String())
		}
		if conn, err := net.Dial("tcp", l.Addr().String()); errors.Is(err, syscall.ECONNREFUSED) {
			t.Error("a connection between two camds was refused")
		} else {
			_ = conn.Close()
		}
	}
}

func TestUnfitSocketsFromSystemdAreRefused(t *testing.T) {
	t.Parallel()
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d := startWithListener(t, file, healthyCamera)
	eventually(t, "camd to end", d.hasExited)
	if code := d.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(d.stderr.String(), "must have ListenStream= with a port or a path") {
		t.Errorf("%d: %s", code, d.stderr.String())
	}
}
