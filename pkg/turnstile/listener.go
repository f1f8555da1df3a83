package turnstile

import (
	"errors"
	"net"
	"syscall"

	"go.uber.org/zap"
)

// Listener returns l with this turnstile before it. secure says that its connections speak TLS. l must be of TCP or unix
// sockets: others are let in uncounted.
func (t *Turnstile) Listener(l net.Listener, secure bool) net.Listener {
	g := &listener{Listener: l, turnstile: t, refusal: plainly}
	if secure {
		g.refusal = encrypted
	}
	return g
}

type listener struct {
	net.Listener
	turnstile *Turnstile
	refusal   []byte
	refused   farewells
}

// Close closes the listener, and returns when all that it has refused are closed, too.
func (g *listener) Close() error {
	err := g.Listener.Close()
	g.refused.end()
	return err
}

// Accept returns the next connection that may come in. Without a file descriptor for it, one that waits is closed; its error
// says that there was none, and is a temporary one, of which net/http tries again after a while.
func (g *listener) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			if usedUp(err) {
				g.turnstile.log.Warn("no file descriptor for a connection", zap.Error(err), zap.String("remedy", "a larger LimitNOFILE= in the unit, or ulimit -n"))
				if g.turnstile.spare(Descriptors) {
					continue
				}
			}
			return nil, err
		}
		plain, ok := c.(duplex)
		if !ok {
			return c, nil
		}
		in, out, why := g.turnstile.admit(plain)
		if out != nil {
			out.abort()
		}
		if why != "" {
			g.tell(in == nil, why, c.RemoteAddr())
		}
		if in != nil {
			return in, nil
		}
		g.refused.tell(plain, g.refusal)
	}
}

// usedUp reports whether accepting failed for want of what closing a connection gives back.
func usedUp(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// tell logs what was done for want of places. The address is under a key of its own: lines of all of them together are limited,
// for there may be as many as there are connections.
func (g *listener) tell(refused bool, why string, from net.Addr) {
	message := "idle connection closed for another"
	if refused {
		message = "connection refused"
	}
	g.turnstile.log.Warn(message, zap.String("limit", why), zap.Stringer("from", from))
}
