//go:build testhook

package daemon

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"camd/pkg/source"
)

// wrapObserver makes the supervisor of the camera with the id blocked wait forever after SIGUSR1. The watchdog exists for unknown faults of
// this kind. No known fault of a camera, viewer or system call has this effect, so the test needs this hook.
func wrapObserver(id string, o source.Observer) source.Observer {
	if id != "blocked" {
		return o
	}
	b := blockedObserver{o, make(chan os.Signal, 1)}
	signal.Notify(b.signals, syscall.SIGUSR1)
	return b
}

type blockedObserver struct {
	source.Observer
	signals chan os.Signal
}

// Published is called by the supervisor's goroutine.
func (b blockedObserver) Published(rendition string, age time.Duration) {
	select {
	case <-b.signals:
		select {}
	default:
		b.Observer.Published(rendition, age)
	}
}
