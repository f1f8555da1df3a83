package httpapi

import (
	"context"
	"maps"
	"net"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patrolEvery is how often it is looked whether those who watch still may: a link's time passes without anybody saying so.
const patrolEvery = time.Second

// patrol sends those away who may not watch any more, until ctx ends.
func (s *Server) patrol(ctx context.Context) {
	every := time.NewTicker(patrolEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.review()
		case <-ctx.Done():
			return
		}
	}
}

// review looks at everybody who watches once. Frames are sent meanwhile.
func (s *Server) review() {
	gate := s.roster.Load().Gate
	for _, v := range s.audience.everybody() {
		if now, ok := gate.Renew(v.grant); !ok || !now.Sees(v.camera) {
			v.sendAway()
		}
	}
}

// everybody returns all viewers, in no order.
func (a *audience) everybody() []*viewer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.viewers))
}

// sendAway ends what a viewer watches, soon.
func (v *viewer) sendAway() {
	if v.forbidden.CompareAndSwap(false, true) {
		v.end()
	}
}

// why is what a viewer was cut for: that it may not watch any more, or what it is said to be.
func (v *viewer) why(said string) string {
	if v.forbidden.Load() {
		return cutForbidden
	}
	return said
}

// hangUp ends a connection in both directions for whoever owns it, who finds it so when next writing.
func hangUp(c net.Conn) func() {
	return func() {
		s, ok := c.(syscall.Conn)
		if !ok {
			return
		}
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // it has left by itself
		}
	}
}
