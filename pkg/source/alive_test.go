package source

import (
	"strings"
	"testing"
	"time"
)

// gate is an Observer that holds the supervisor at its first picture.
type gate struct {
	unobserved
	held chan struct{}
	hold chan struct{} // closed to let go
}

func (g gate) Published(string, time.Duration) {
	select {
	case <-g.hold:
	case g.held <- struct{}{}:
		<-g.hold
	}
}

func TestAlive(t *testing.T) {
	g := gate{held: make(chan struct{}), hold: make(chan struct{})}
	c := start(t, Options{Worker: faulty(t, "quiet"), Observer: g})
	<-g.held
	if err := c.Alive(time.Now()); err == nil || !strings.HasPrefix(err.Error(), "camera cam: its supervisor has not come round since ") {
		t.Errorf("held: %v", err)
	}
	close(g.hold)
	since := time.Now()
	for end := since.Add(30 * time.Second); c.Alive(since) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come round again")
		}
	}
	c.stop()
	if err := c.Alive(time.Now()); err != nil {
		t.Errorf("ended: %v", err)
	}
}
