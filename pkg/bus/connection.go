package bus

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// How soon a connection is given up that does not answer, and tried for again.
const (
	pingInterval  = 500 * time.Millisecond
	maxPings      = 3
	reconnectWait = 200 * time.Millisecond
)

// connection keeps a connection. Its fields are what State tells of it.
type connection struct {
	opts     Options
	log      *zap.Logger
	auth     []nats.Option
	dialer   *dialer
	maxDelay time.Duration // that answers may be

	mu             sync.Mutex
	conn           *nats.Conn
	isUp           bool
	server         string
	since          time.Time
	problem        string
	connects       uint64 // connections
	slowReconnects uint64 // of those, left because they were behind
	maxPayload     int64
}

// current returns the connection; it may be nil, or down.
func (l *connection) current() *nats.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// ready returns the connection and what it takes in one message; nil while there is none.
func (l *connection) ready() (*nats.Conn, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isUp {
		return nil, 0
	}
	return l.conn, l.maxPayload
}

// down returns how long there has been no connection; 0 while there is one.
func (l *connection) down() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isUp {
		return 0
	}
	return time.Since(l.since)
}

// dial begins a connection, which goes on trying by itself until it is closed. attach is called each time that it is there,
// by one goroutine at a time. The channel is closed when it has ended for good, as some answers of a server make it.
func (l *connection) dial(onConnect func(isReconnect bool)) (*nats.Conn, <-chan struct{}, error) {
	ended := make(chan struct{})
	opts := append([]nats.Option{
		nats.Name("camd " + l.opts.Site), nats.NoEcho(), nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait/2, reconnectWait/2),
		nats.IgnoreAuthErrorAbort(), nats.ReconnectBufSize(-1), nats.ReconnectOnFlusherError(),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(maxPings), nats.Timeout(dialTimeout),
		nats.SetCustomDialer(l.dialer),
		nats.ConnectHandler(func(c *nats.Conn) { l.connected(c); onConnect(false) }),
		nats.ReconnectHandler(func(c *nats.Conn) { l.connected(c); onConnect(true) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.disconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.reportProblem(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.reportProblem(err) }),
		nats.ClosedHandler(func(c *nats.Conn) { l.disconnected(c.LastError()); close(ended) }),
	}, l.auth...)
	conn, err := nats.Connect(strings.Join(l.opts.URLs, ","), opts...)
	if err != nil {
		l.reportProblem(err)
		return nil, nil, err
	}
	l.mu.Lock()
	l.conn = conn
	l.mu.Unlock()
	return conn, ended, nil
}

func (l *connection) connected(c *nats.Conn) {
	l.mu.Lock()
	l.conn, l.isUp, l.server, l.since, l.problem = c, true, c.ConnectedAddr(), time.Now(), ""
	l.connects++
	l.maxPayload = c.MaxPayload()
	again := l.connects > 1
	l.mu.Unlock()
	l.log.Info("bus connected", zap.String("server", c.ConnectedAddr()), zap.Int64("max_payload", c.MaxPayload()), zap.Bool("again", again))
}

func (l *connection) disconnected(err error) {
	l.mu.Lock()
	wasUp := l.isUp
	l.isUp = false
	if wasUp {
		l.since = time.Now()
	}
	l.mu.Unlock()
	l.reportProblem(err)
}

// reportProblem notes why there is no connection, or what is wrong with it, and says it once.
func (l *connection) reportProblem(err error) {
	if err == nil || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrSlowConsumer) {
		return
	}
	text := l.describe(err)
	l.mu.Lock()
	same := l.problem == text
	l.problem = text
	l.mu.Unlock()
	if !same {
		l.log.Warn("bus trouble", zap.String("problem", text))
	}
}

// clearProblem takes a trouble back that is over.
func (l *connection) clearProblem(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problem == l.describe(err) {
		l.problem = ""
	}
}

// describe is explain without what camd shows of itself, which a server may repeat, and fit for a line.
func (l *connection) describe(err error) string {
	return printable(l.opts.Account.redact(describeError(err)))
}

// describeError says to people what is wrong and, where it can be known, what would be right.
func describeError(err error) string {
	var addr *url.Error
	switch {
	case errors.As(err, &addr):
		return "an address of bus.servers is none"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		return "the server refuses this user: check the credentials, and whether the server still knows them"
	case errors.Is(err, nats.ErrAuthExpired):
		return "the credentials have expired: get new ones"
	case errors.Is(err, nats.ErrPermissionViolation):
		return "the server does not permit it: " + err.Error()
	case errors.Is(err, nats.ErrStaleConnection):
		return "the server does not answer, or behind a queue of pictures"
	case errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return "one side wants TLS and the other has none: check tls:// in the address and tls in the server's configuration"
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return "a file of the credentials or of TLS cannot be read: " + err.Error()
	case errors.Is(err, io.EOF):
		return "the server has ended the connection"
	case errors.Is(err, nats.ErrNoServers):
		return "none of the servers can be reached"
	}
	return err.Error()
}

// run has a connection until ctx ends.
func (l *connection) run(ctx context.Context, onConnect func(isReconnect bool)) {
	for ctx.Err() == nil {
		conn, ended, err := l.dial(onConnect)
		if err == nil {
			select {
			case <-ctx.Done():
				conn.Close()
				<-ended
				return
			case <-ended:
			}
		}
		// For good, says the library, of what an administrator can mend.
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// publish publishes what is no frame.
func (l *connection) publish(subject string, what any) error {
	conn, _ := l.ready()
	if conn == nil {
		return errDisconnected
	}
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return conn.Publish(subject, b)
}

// flush gives what was said last a moment to go out.
func (l *connection) flush() {
	if conn, _ := l.ready(); conn != nil {
		_ = conn.FlushTimeout(shutdownTimeout)
	}
}

// report puts how the link is into s.
func (l *connection) report(s *State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Connected, s.Server, s.Since, s.Problem, s.MaxPayload = l.isUp, l.server, l.since, l.problem, l.maxPayload
	s.Reconnects, s.SlowReconnects = max(l.connects, 1)-1, l.slowReconnects
}
