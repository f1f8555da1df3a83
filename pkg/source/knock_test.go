package source

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/spec"
)

// A server that takes one client at a time, and needs a moment after each, may be away just when the capture process comes
// behind the knock. After such a failure the process goes first.
func TestKnockingIsNotRepeated(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var knocks atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			knocks.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	src, err := spec.Parse("rtsp://" + l.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{Worker: faulty(t, "reason"), Source: src})
	for deadline := time.Now().Add(30 * time.Second); c.Status().Counts.Restarts[camera.Auth] < 2; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", c.Status())
		}
	}
	if n := knocks.Load(); n != 1 {
		t.Errorf("%d knocks before two attempts, want 1", n)
	}
}
