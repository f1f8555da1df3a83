package connlimit

import (
	"errors"
	"net"
	"syscall"

	"go.uber.org/zap"
)

// Listener returns l with this limiter in front of it. secure says that its connections speak TLS. l must be of TCP or unix
// sockets: others are not counted.
func (t *Limiter) Listener(l net.Listener, secure bool) net.Listener {
	g := &listener{Listener: l, limiter: t, refusal: httpRefusal}
	if secure {
		g.refusal = tlsRefusal
	}
	return g
}

type listener struct {
	net.Listener
	limiter   *Limiter
	refusal   []byte
	lingering lingeringConns
}

// Close closes the listener, and returns when all that it has refused are closed, too.
func (g *listener) Close() error {
	err := g.Listener.Close()
	g.lingering.closeAll()
	return err
}

// Accept returns the next admitted connection. Without a file descriptor for it, an idle one is closed; its error
// says that there was none, and is a temporary one, of which net/http tries again after a while.
func (g *listener) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			if isOutOfResources(err) {
				g.limiter.log.Warn("no file descriptor for a connection", zap.Error(err), zap.String("remedy", "a larger LimitNOFILE= in the unit, or ulimit -n"))
				if g.limiter.displaceIdle(ReasonDescriptors) {
					continue
				}
			}
			return nil, err
		}
		plain, ok := c.(duplex)
		if !ok {
			return c, nil
		}
		admitted, displaced, reason := g.limiter.admit(plain)
		if displaced != nil {
			displaced.abort()
		}
		if reason != "" {
			g.logLimit(admitted == nil, reason, c.RemoteAddr())
		}
		if admitted != nil {
			return admitted, nil
		}
		g.lingering.refuse(plain, g.refusal)
	}
}

// isOutOfResources reports whether accepting failed for want of what closing a connection gives back.
func isOutOfResources(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// refuse logs a refused or displaced connection. The address is under a key of its own: lines of all of them together are limited,
// for there may be as many as there are connections.
func (g *listener) logLimit(refused bool, reason string, from net.Addr) {
	message := "idle connection closed for another"
	if refused {
		message = "connection refused"
	}
	g.limiter.log.Warn(message, zap.String("limit", reason), zap.Stringer("from", from))
}
