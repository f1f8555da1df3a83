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
)

// The connection's limits.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	jitter     = 0.3
	settled    = time.Minute      // a connection that lasted so long was a good one
	patience   = 10 * time.Second // for a connection, an answer, a write
	keepAlive  = 20               // seconds after which a silent broker is asked whether it is there
)

// link is what is known of the connection itself.
type link struct {
	mu    sync.Mutex
	conn  net.Conn
	said  string // the last problem that was logged
	waits *backoff.ExponentialBackOff
	began time.Time // of the connection
}

// cut ends the connection without a word.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// wait is how long to wait before another attempt. The library begins anew after each connection that it had; one that is
// ended again and again must not be tried for in a tight loop.
func (l *link) wait(int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waits == nil {
		l.waits = &backoff.ExponentialBackOff{InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: jitter}
		l.waits.Reset()
		return 0
	}
	if !l.began.IsZero() && time.Since(l.began) > settled {
		l.waits.Reset()
	}
	l.began = time.Time{}
	return l.waits.NextBackOff()
}

// config is how the library is to connect.
func (c *Client) config() autopaho.ClientConfig {
	return autopaho.ClientConfig{
		ServerUrls: []*url.URL{c.opts.Broker}, TlsCfg: c.opts.TLS, ConnectUsername: c.opts.User, ConnectPassword: []byte(c.opts.Password),
		KeepAlive: keepAlive, CleanStartOnInitialConnection: true, ConnectTimeout: patience, ReconnectBackoff: c.link.wait,
		AttemptConnection: c.dial,
		WillMessage:       &paho.WillMessage{Topic: c.status(), Payload: []byte(offline), QoS: 1, Retain: true},
		WillProperties:    &paho.WillProperties{},
		// An honest broker then leaves out what is larger: see limitedConn.
		ConnectPacketBuilder: func(cp *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			cp.Properties = &paho.ConnectProperties{MaximumPacketSize: new(uint32(largestPacket)), RequestProblemInfo: true}
			return cp, nil
		},
		// The broker then publishes the will itself.
		DisconnectPacketBuilder: func() *paho.Disconnect {
			return &paho.Disconnect{ReasonCode: packets.DisconnectDisconnectWithWillMessage}
		},
		OnConnectionUp: c.connected, OnConnectionDown: c.lost, OnConnectError: c.unconnected,
		ClientConfig: paho.ClientConfig{
			ClientID: c.clientID(), PacketTimeout: patience,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.received},
		},
	}
}

// clientID is the same after a new start, so that the broker ends what is left of the connection before, and its will with it.
func (c *Client) clientID() string {
	return "camd-" + slug(c.opts.Prefix+"-"+c.opts.Site)
}

// dial connects. Every write has a deadline: the library has none.
func (c *Client) dial(ctx context.Context, _ autopaho.ClientConfig, broker *url.URL) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: patience}
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
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.link.conn = conn
	return packets.NewThreadSafeConn(impatient{&limitedConn{Conn: conn}}), nil
}

// impatient is a connection whose writes do not wait for ever.
type impatient struct{ net.Conn }

func (i impatient) Write(p []byte) (int, error) {
	if err := i.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return i.Conn.Write(p)
}

func (c *Client) connected(_ *autopaho.ConnectionManager, ack *paho.Connack) {
	c.link.mu.Lock()
	c.link.said, c.link.began = "", time.Now()
	c.link.mu.Unlock()
	c.log.Info("mqtt connected")
	select {
	case c.up <- ack:
	default: // the one before has not been looked at, and what is published goes to the newest
	}
}

func (c *Client) lost() bool {
	c.log.Warn("mqtt connection lost")
	return true
}

// unconnected says why an attempt failed, once for each reason.
func (c *Client) unconnected(err error) {
	problem := clip(c.hide(explain(err)))
	c.link.mu.Lock()
	again := problem == c.link.said
	c.link.said = problem
	c.link.mu.Unlock()
	if !again {
		c.log.Warn("mqtt not connected", zap.String("problem", problem))
	}
}

// hide takes the password out of what the broker says, which may be what it was sent.
func (c *Client) hide(s string) string {
	if c.opts.Password == "" {
		return s
	}
	return strings.ReplaceAll(s, c.opts.Password, "***")
}

// longestText bounds what the log repeats of the broker's words, in bytes.
const longestText = 300

func clip(s string) string {
	if len(s) <= longestText {
		return s
	}
	return strings.ToValidUTF8(s[:longestText], "") + "…"
}

// explain says in plain words why there is no connection.
func explain(err error) string {
	if refused, ok := errors.AsType[*autopaho.ConnackError](err); ok {
		switch refused.ReasonCode {
		case packets.ConnackBadUsernameOrPassword, packets.ConnackNotAuthorized:
			return "the broker refuses the user or password"
		case packets.ConnackUnsupportedProtocolVersion:
			return "the broker does not speak MQTT 5"
		}
		return strings.TrimSpace("the broker refuses: " + refused.Reason + " " + refused.Err.Error())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return "the broker does not answer in time"
	}
	if e := errors.Unwrap(err); e != nil {
		err = e // without the library's words about the address
	}
	return err.Error()
}
