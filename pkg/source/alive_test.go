package source

import (
	"strings"
	"testing"
	"time"
)

// blockingObserver is an Observer that blocks the supervisor at its first picture.
type blockingObserver struct {
	noopObserver
	blocked chan struct{}
	release chan struct{} // closed to let go
}

func (b blockingObserver) Published(string, time.Duration) {
	select {
	case <-b.release:
	case b.blocked <- struct{}{}:
		<-b.release
	}
}

func TestAliveReportsBlockedSupervisor(t *testing.T) {
	g := blockingObserver{blocked: make(chan struct{}), release: make(chan struct{})}
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "quiet"), Observer: g})
	<-g.blocked
	if err := c.Alive(time.Now()); err == nil || !strings.HasPrefix(err.Error(), "camera cam: its supervisor has not responded since ") {
		t.Errorf("held: %v", err)
	}
	close(g.release)
	since := time.Now()
	for end := since.Add(2 * time.Minute); c.Alive(since) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not respond again")
		}
	}
	c.stop()
	if err := c.Alive(time.Now()); err != nil {
		t.Errorf("ended: %v", err)
	}
}
