package capture

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// servers are the servers behind the proxy.
var servers = map[string]func(*testing.T) (url string){
	"rtsp": func(t *testing.T) string { return testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264}).URL() },
	"http": func(t *testing.T) string { return testpeer.ServeHTTP(t, testpeer.MJPEG) },
}

func TestNetworkFaultsAreSurvivedOrReported(t *testing.T) {
	for _, c := range []struct {
		kind, attributes string
		reason           camera.Reason // None: pictures continue
	}{
		{"latency", `"latency": 200, "jitter": 50`, camera.None},
		{"slicer", `"average_size": 700, "size_variation": 300, "delay": 100`, camera.None},
		{"bandwidth", `"rate": 200`, camera.None},
		{"reset_peer", `"timeout": 0`, camera.Disconnected},
		{"timeout", `"timeout": 0`, camera.Timeout},
	} {
		for name, serve := range servers {
			t.Run(c.kind+" "+name, func(t *testing.T) {
				p := testpeer.ServeFaultProxy(t, serve(t))
				timeout := testrun.Deadline
				if c.reason == camera.Timeout {
					timeout = 3 * time.Second
				}
				d := startCapture(t, wire.Start{Source: p.URL, ReadTimeout: timeout})
				d.send(wire.Demand{Wanted: true})
				d.frame()
				p.AddFault(c.kind, c.attributes)
				if c.reason == camera.None {
					for range 40 {
						d.frame()
					}
					return
				}
				if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(c.reason) {
					t.Errorf("got %+v, want reason %q", e, c.reason)
				}
			})
		}
	}
}

// Opening also times out if packets are dropped.
func TestOpenTimesOutIfPacketsAreDropped(t *testing.T) {
	for _, scheme := range []string{"rtsp", "http"} {
		t.Run(scheme, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: withSecrets(scheme + "://" + fullServer(t) + "/cam"), ReadTimeout: time.Second, Capture: options.Capture{OpenTimeout: time.Second}})
			if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.Timeout) || strings.Contains(e.Detail, secret) {
				t.Errorf("got %+v, want reason %q", e, camera.Timeout)
			}
		})
	}
}

// fullServer returns the address of a socket whose queue is full: the kernel drops requests for connections.
func fullServer(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
}

// The server answers in another protocol.
func TestNonRTSPAnswerIsReported(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serverEnded := make(chan struct{})
	go func() {
		defer close(serverEnded)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(strings.Repeat("\x00\xff$nonsense\r\n", 1000)))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-serverEnded })
	d := startCapture(t, wire.Start{Source: "rtsp://" + l.Addr().String() + "/cam", Capture: options.Capture{OpenTimeout: 2 * time.Second}})
	if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.BadStream) && e.Reason != string(camera.Unreachable) {
		t.Errorf("got %+v", e)
	}
}

// A camera that becomes slow, at night for instance, stays open.
func TestSlowRTSPCameraStaysOpen(t *testing.T) {
	s := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.Clip{Length: 8 * time.Second, SlowsDown: true}})
	d := startCapture(t, wire.Start{Source: s.URL()})
	d.send(wire.Demand{Wanted: true})
	for slow, last := 0, int64(0); slow < 2; {
		f, _ := d.frame()
		if last != 0 && f.Captured-last > int64(900*time.Millisecond) {
			slow++
		}
		last = f.Captured
	}
}

func TestRTSPAtOnePictureASecondStaysOpen(t *testing.T) {
	s := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.Clip{FPS: 1, Length: 4 * time.Second}})
	d := startCapture(t, wire.Start{Source: s.URL()})
	d.send(wire.Demand{Wanted: true})
	for range 4 {
		d.frame()
	}
}
