package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/zap"

	"camd/pkg/notify"
)

// The connection's limits.
const (
	maxRetryDelay = 30 * time.Second
	stableAfter   = time.Minute      // after a connection that lasted this long, retries start again at the shortest wait
	timeout       = 10 * time.Second // of connecting, of an answer and of a write
	keepAlive     = 20               // seconds of silence before a ping
)

// connection is the state of the connection to the broker.
type connection struct {
	mu          sync.Mutex
	netConn     net.Conn
	isUp        bool   // the broker has accepted the connection, and it is not known to be lost
	lastProblem string // the last problem that was logged
	retries     *backoff.ExponentialBackOff
	connectedAt time.Time // when the last connection was made; zero once nextDelay has used it
}

// abort closes the connection at once.
func (c *connection) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.netConn != nil {
		_ = c.netConn.Close()
	}
}

// up reports whether messages can be published.
func (c *connection) up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isUp
}

// nextDelay returns how long to wait before another attempt. It ignores the library's count of attempts, which starts again after
// each connection: if a broker closes every connection at once, camd must not reconnect in a tight loop.
func (c *connection) nextDelay(int) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retries == nil {
		c.retries = notify.NewBackoff(maxRetryDelay)
		return 0
	}
	if !c.connectedAt.IsZero() && time.Since(c.connectedAt) > stableAfter {
		c.retries.Reset()
	}
	c.connectedAt = time.Time{}
	return c.retries.NextBackOff()
}

// clientConfig returns the library's configuration.
func (c *Client) clientConfig() autopaho.ClientConfig {
	return autopaho.ClientConfig{
		ServerUrls: []*url.URL{c.opts.Broker}, TlsCfg: c.opts.TLS, ConnectUsername: c.opts.User, ConnectPassword: []byte(c.opts.Password),
		KeepAlive: keepAlive, CleanStartOnInitialConnection: true, ConnectTimeout: timeout, ReconnectBackoff: c.connection.nextDelay,
		AttemptConnection: c.dial,
		WillMessage:       &paho.WillMessage{Topic: c.statusTopic(), Payload: []byte(offline), QoS: 1, Retain: true},
		WillProperties:    &paho.WillProperties{},
		// A correct broker then sends no larger packets. limitedConn enforces it.
		ConnectPacketBuilder: func(cp *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			cp.Properties = &paho.ConnectProperties{MaximumPacketSize: new(uint32(maxPacketSize)), RequestProblemInfo: true}
			return cp, nil
		},
		// The broker then publishes the will itself.
		DisconnectPacketBuilder: func() *paho.Disconnect {
			return &paho.Disconnect{ReasonCode: packets.DisconnectDisconnectWithWillMessage}
		},
		OnConnectionUp: c.connectionUp, OnConnectionDown: c.connectionLost, OnConnectError: c.connectFailed,
		ClientConfig: paho.ClientConfig{
			ClientID: c.clientID(), PacketTimeout: timeout,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.handleMessage},
		},
	}
}

// clientID returns the MQTT client id. It is the same after a restart, so that the broker ends an old connection, with its will, before
// it accepts the new one.
func (c *Client) clientID() string {
	return "camd-" + sanitizeID(c.opts.Prefix+"-"+c.opts.Site)
}

// dial connects to the broker. It adds a deadline to every write, because the library has none.
func (c *Client) dial(ctx context.Context, _ autopaho.ClientConfig, broker *url.URL) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: timeout}
	var conn net.Conn
	var err error
	if broker.Scheme == "mqtts" {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: c.opts.TLS}).DialContext(ctx, "tcp", broker.Host)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", broker.Host)
	}
	if err != nil {
		return nil, err
	}
	c.connection.mu.Lock()
	defer c.connection.mu.Unlock()
	c.connection.netConn = conn
	return packets.NewThreadSafeConn(deadlineConn{&limitedConn{Conn: conn}}), nil
}

// deadlineConn is a connection whose writes fail after timeout.
type deadlineConn struct{ net.Conn }

func (d deadlineConn) Write(p []byte) (int, error) {
	if err := d.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return 0, err
	}
	return d.Conn.Write(p)
}

func (c *Client) connectionUp(_ *autopaho.ConnectionManager, ack *paho.Connack) {
	c.connection.mu.Lock()
	c.connection.lastProblem, c.connection.connectedAt, c.connection.isUp = "", time.Now(), true
	c.connection.mu.Unlock()
	c.log.Info("mqtt connected")
	select {
	case c.connAcks <- ack:
	default: // an earlier one is still waiting, and everything is published over the newest connection
	}
}

func (c *Client) connectionLost() bool {
	c.connection.mu.Lock()
	c.connection.isUp = false
	c.connection.mu.Unlock()
	c.log.Warn("mqtt connection lost")
	return true
}

// connectFailed logs why an attempt failed, unless the one before failed for the same reason.
func (c *Client) connectFailed(err error) {
	problem := truncate(c.redact(describeError(err)))
	c.connection.mu.Lock()
	isRepeated := problem == c.connection.lastProblem
	c.connection.lastProblem = problem
	c.connection.mu.Unlock()
	if !isRepeated {
		c.log.Warn("mqtt not connected", zap.String("problem", problem))
	}
}

// redact replaces the password in a text of the broker, which may echo what it was sent.
func (c *Client) redact(s string) string {
	if c.opts.Password == "" {
		return s
	}
	return strings.ReplaceAll(s, c.opts.Password, "***")
}

// maxLogText bounds the texts of the broker in the log, in bytes.
const maxLogText = 300

func truncate(s string) string {
	if len(s) <= maxLogText {
		return s
	}
	return strings.ToValidUTF8(s[:maxLogText], "") + "…"
}

// describeError says in plain words why there is no connection.
func describeError(err error) string {
	if refused, ok := errors.AsType[*autopaho.ConnackError](err); ok {
		switch refused.ReasonCode {
		case packets.ConnackBadUsernameOrPassword, packets.ConnackNotAuthorized:
			return "the broker refuses the user or password"
		case packets.ConnackUnsupportedProtocolVersion:
			return "the broker does not support MQTT 5"
		}
		return strings.TrimSpace("the broker refuses the connection: " + refused.Reason + " " + refused.Err.Error())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return "the broker does not answer in time"
	}
	if e := errors.Unwrap(err); e != nil {
		err = e // without the library's words about the address
	}
	return err.Error()
}
