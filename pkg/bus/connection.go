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

// How soon a connection that does not answer is closed, and how long to wait before the next attempt.
const (
	pingInterval  = 500 * time.Millisecond
	maxPings      = 3
	reconnectWait = 200 * time.Millisecond
)

// connection keeps one connection to NATS. State reports its fields.
type connection struct {
	opts     Options
	log      *zap.Logger
	auth     []nats.Option
	dialer   *dialer
	maxDelay time.Duration // how late a server's answers may be

	mu             sync.Mutex
	conn           *nats.Conn
	isUp           bool
	server         string
	since          time.Time
	problem        string
	connects       uint64 // connections made
	slowReconnects uint64 // connections closed because the server's answers were late
	maxPayload     int64
}

// current returns the connection; it may be nil, or down.
func (c *connection) current() *nats.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// ready returns the connection and the most bytes that it takes in one message. It returns nil while the connection is down.
func (c *connection) ready() (*nats.Conn, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isUp {
		return nil, 0
	}
	return c.conn, c.maxPayload
}

// down returns how long there has been no connection; 0 while there is one.
func (c *connection) down() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isUp {
		return 0
	}
	return time.Since(c.since)
}

// dial starts a connection, which reconnects by itself until it is closed. onConnect is called each time that it is up, by one
// goroutine at a time. The channel is closed when the library has given the connection up, as it does after some errors of a server.
func (c *connection) dial(onConnect func(isReconnect bool)) (*nats.Conn, <-chan struct{}, error) {
	ended := make(chan struct{})
	opts := append([]nats.Option{
		nats.Name("camd " + c.opts.Site), nats.NoEcho(), nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait/2, reconnectWait/2),
		nats.IgnoreAuthErrorAbort(), nats.ReconnectBufSize(-1), nats.ReconnectOnFlusherError(),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(maxPings), nats.Timeout(dialTimeout),
		nats.SetCustomDialer(c.dialer),
		nats.ConnectHandler(func(nc *nats.Conn) { c.connected(nc); onConnect(false) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { c.connected(nc); onConnect(true) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.disconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { c.reportProblem(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.reportProblem(err) }),
		nats.ClosedHandler(func(nc *nats.Conn) { c.disconnected(nc.LastError()); close(ended) }),
	}, c.auth...)
	conn, err := nats.Connect(strings.Join(c.opts.URLs, ","), opts...)
	if err != nil {
		c.reportProblem(err)
		return nil, nil, err
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	return conn, ended, nil
}

func (c *connection) connected(nc *nats.Conn) {
	c.mu.Lock()
	c.conn, c.isUp, c.server, c.since, c.problem = nc, true, nc.ConnectedAddr(), time.Now(), ""
	c.connects++
	c.maxPayload = nc.MaxPayload()
	again := c.connects > 1
	c.mu.Unlock()
	c.log.Info("bus connected", zap.String("server", nc.ConnectedAddr()), zap.Int64("max_payload", nc.MaxPayload()), zap.Bool("again", again))
}

func (c *connection) disconnected(err error) {
	c.mu.Lock()
	wasUp := c.isUp
	c.isUp = false
	if wasUp {
		c.since = time.Now()
	}
	c.mu.Unlock()
	c.reportProblem(err)
}

// reportProblem keeps err as the connection's problem, and logs it if it is another one than before.
func (c *connection) reportProblem(err error) {
	if err == nil || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrSlowConsumer) {
		return
	}
	text := c.describe(err)
	c.mu.Lock()
	same := c.problem == text
	c.problem = text
	c.mu.Unlock()
	if !same {
		c.log.Warn("bus problem", zap.String("problem", text))
	}
}

// clearProblem removes the connection's problem if it is err.
func (c *connection) clearProblem(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.problem == c.describe(err) {
		c.problem = ""
	}
}

// describe is describeError on one line, without the account's secrets, which a server may repeat.
func (c *connection) describe(err error) string {
	return printable(c.opts.Account.redact(describeError(err)))
}

// describeError says what is wrong and, if it is known, what to do.
func describeError(err error) string {
	var addr *url.Error
	switch {
	case errors.As(err, &addr):
		return "an address in bus.servers is invalid"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		return "the server refuses the credentials: check them, and the user's account at the server"
	case errors.Is(err, nats.ErrAuthExpired):
		return "the credentials have expired: get new ones"
	case errors.Is(err, nats.ErrPermissionViolation):
		return "the server does not allow this, check the user's permissions there: " + err.Error()
	case errors.Is(err, nats.ErrStaleConnection):
		return "the server does not answer in time: it is unreachable, or the connection is too slow for the pictures"
	case errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return "only one side uses TLS: check tls:// in bus.servers and tls in the server's configuration"
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return "cannot read a file with credentials or certificates: " + err.Error()
	case errors.Is(err, io.EOF):
		return "the server closed the connection"
	case errors.Is(err, nats.ErrNoServers):
		return "no server of bus.servers can be reached"
	}
	return err.Error()
}

// run keeps a connection until ctx ends. It starts another one when the library has given one up.
func (c *connection) run(ctx context.Context, onConnect func(isReconnect bool)) {
	for ctx.Err() == nil {
		conn, ended, err := c.dial(onConnect)
		if err == nil {
			select {
			case <-ctx.Done():
				conn.Close()
				<-ended
				return
			case <-ended:
			}
		}
		// The library gives up after errors that an administrator can repair.
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// publish publishes a message that is not a frame, as JSON.
func (c *connection) publish(subject string, what any) error {
	conn, _ := c.ready()
	if conn == nil {
		return errDisconnected
	}
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return conn.Publish(subject, b)
}

// flush waits up to shutdownTimeout until the server has received everything that was published.
func (c *connection) flush() {
	if conn, _ := c.ready(); conn != nil {
		_ = conn.FlushTimeout(shutdownTimeout)
	}
}

// report writes the state of the connection into s.
func (c *connection) report(s *State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Connected, s.Server, s.Since, s.Problem, s.MaxPayload = c.isUp, c.server, c.since, c.problem, c.maxPayload
	s.Reconnects, s.SlowReconnects = max(c.connects, 1)-1, c.slowReconnects
}
