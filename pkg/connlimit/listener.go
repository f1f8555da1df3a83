package connlimit

import (
	"errors"
	"net"
	"syscall"

	"go.uber.org/zap"
)

// Listener returns a listener that accepts from l within the limits. secure is true if its connections speak TLS, and so cannot be
// refused over HTTP. l must accept TCP or unix connections: others are not counted.
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

// Close closes the listener. It returns when all refused connections are closed, too.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.lingering.closeAll()
	return err
}

// Accept returns the next admitted connection. If there is no free file descriptor, it closes an idle connection and tries again. If
// there is no idle one either, it returns the error, which is temporary: net/http calls Accept again after a while.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if isOutOfResources(err) {
				l.limiter.log.Warn("no free file descriptor", zap.Error(err), zap.String("remedy", "raise LimitNOFILE= in the systemd unit, or ulimit -n"))
				if l.limiter.displaceIdle(ReasonDescriptors) {
					continue
				}
			}
			return nil, err
		}
		plain, ok := c.(duplex)
		if !ok {
			return c, nil
		}
		admitted, displaced, reason := l.limiter.admit(plain)
		if displaced != nil {
			displaced.abort()
		}
		if reason != "" {
			l.logLimit(admitted == nil, reason, c.RemoteAddr())
		}
		if admitted != nil {
			return admitted, nil
		}
		l.lingering.refuse(plain, l.refusal)
	}
}

// isOutOfResources reports whether accepting failed for lack of a resource that closing a connection frees.
func isOutOfResources(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// logLimit logs a refused connection, or one that replaced an idle connection. The field of its address is not named as elsewhere. The
// log's rate limit therefore counts the lines of all addresses together, because there may be a line for each connection.
func (l *listener) logLimit(refused bool, reason string, from net.Addr) {
	message := "idle connection replaced"
	if refused {
		message = "connection refused"
	}
	l.limiter.log.Warn(message, zap.String("limit", reason), zap.Stringer("from", from))
}
