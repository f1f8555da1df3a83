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

// revalidateInterval is how often it is looked whether those who watch still may: a link's time passes without anybody saying so.
const revalidateInterval = time.Second

// revalidateLoop disconnects viewers that have lost access, until ctx ends.
func (s *Server) revalidateLoop(ctx context.Context) {
	every := time.NewTicker(revalidateInterval)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.revalidate()
		case <-ctx.Done():
			return
		}
	}
}

// revalidate checks every viewer's access once. Frames are sent meanwhile.
func (s *Server) revalidate() {
	auth := s.config.Load().Auth
	for _, v := range s.viewers.all() {
		if current, ok := auth.Revalidate(v.grant); !ok || !current.CanSee(v.camera) {
			v.revokeAccess()
		}
	}
}

// all returns all viewers, in no order.
func (a *viewerRegistry) all() []*viewer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.viewers))
}

// revokeAccess ends what a viewer watches, soon.
func (v *viewer) revokeAccess() {
	if v.accessRevoked.CompareAndSwap(false, true) {
		v.disconnect()
	}
}

// cutReason is why a viewer was cut: it has lost access, or else reason.
func (v *viewer) cutReason(reason string) string {
	if v.accessRevoked.Load() {
		return cutAccess
	}
	return reason
}

// shutdownConn returns a function that ends a connection in both directions. Its owner notices at the next write.
func shutdownConn(c net.Conn) func() {
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
