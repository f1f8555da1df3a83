//go:build testhook

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"camd/pkg/source"
)

// observe has the supervisor of the camera called blocked stand still for ever from SIGUSR1 on. Nothing that a camera, a
// viewer or a system call can do is known to do that to it, and the watchdog is for what is not known.
func observe(id string, o source.Observer) source.Observer {
	if id != "blocked" {
		return o
	}
	b := blocked{o, make(chan os.Signal, 1)}
	signal.Notify(b.told, syscall.SIGUSR1)
	return b
}

type blocked struct {
	source.Observer
	told chan os.Signal
}

// Published is called by the supervisor's goroutine.
func (b blocked) Published(rendition string, age time.Duration) {
	select {
	case <-b.told:
		select {}
	default:
		b.Observer.Published(rendition, age)
	}
}
