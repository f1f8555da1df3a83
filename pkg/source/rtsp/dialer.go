package rtsp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"camd/internal/rawcall"
	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

const (
	maxRedirects = 8
	maxOpenBytes = 1 << 20                // from the server before the stream plays
	readBuffer   = 32 << 10               // the library's own has 4 KiB, which costs several system calls for each frame
	endGrace     = 250 * time.Millisecond // for TEARDOWN, if the server reads slowly
)

var errRefused = errors.New("connection refused by camd's rules")

// dialer connects to the camera's server and to no other host. The library dials again when the server redirects.
type dialer struct {
	source  sourceurl.Source
	secrets sourceurl.Redactor
	fail    func(*Error)

	mu    sync.Mutex
	conn  *conn // the newest
	dials int
	ended bool
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if e := d.check(address); e != nil {
		d.fail(e)
		return nil, errRefused
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	raw = rawcall.NewConn(raw)
	c := &conn{Conn: raw, buffered: bufio.NewReaderSize(raw, readBuffer), fail: d.fail, remaining: maxOpenBytes}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = c
	if d.ended {
		c.end()
	}
	return c, nil
}

// check returns the failure for an address to which camd must not connect.
func (d *dialer) check(address string) *Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	host, _, _ := net.SplitHostPort(address)
	d.dials++
	switch {
	case d.dials > 1 && d.source.IsTLS():
		return &Error{Reason: camera.Redirect,
			Detail: "the camera redirects, and camd does not follow redirects of rtsps:// sources: set source to the new address"}
	case !isSameHost(host, d.source.URL.Hostname()):
		return otherHost(shorten(d.secrets, host))
	case d.dials > maxRedirects+1:
		return tooManyRedirects()
	}
	return nil
}

func isSameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// isPeer reports whether a host that the server names is the server itself.
func (d *dialer) isPeer(host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ip := net.ParseIP(host)
	if ip == nil {
		return host == "" || isSameHost(host, d.source.URL.Hostname())
	}
	peer, ok := d.conn.RemoteAddr().(*net.TCPAddr)
	return ip.IsUnspecified() || ok && peer.IP.Equal(ip)
}

// current returns the newest connection, nil before the first.
func (d *dialer) current() *conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conn
}

// lift ends the bound on what the server may send: the stream plays.
func (d *dialer) lift() { d.current().lift() }

// end bounds the time that the connection still has.
func (d *dialer) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.conn != nil {
		d.conn.end()
	}
}

// conn is a connection to the camera's server.
type conn struct {
	net.Conn
	buffered *bufio.Reader // from Conn
	fail     func(*Error)

	mu        sync.Mutex
	isLifted  bool
	remaining int       // bytes that the server may still send; until isLifted
	first     []byte    // what the server sent first, up to 4 bytes
	deadline  time.Time // no other is later; zero before the end
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.buffered.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if need := 4 - len(c.first); need > 0 {
		c.first = append(c.first, b[:min(n, need)]...)
	}
	if c.isLifted {
		return n, err
	}
	if c.remaining -= n; c.remaining < 0 {
		c.fail(tooManyBytes())
		return 0, errRefused
	}
	return n, err
}

// SetWriteDeadline sets a deadline that is not later than that of end.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.IsZero() {
		t = c.deadline
	}
	return c.Conn.SetWriteDeadline(t)
}

// end sets a deadline on everything that the library still does with the connection. It may be in a handshake or in a write that hangs.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline.IsZero() {
		c.deadline = time.Now().Add(endGrace)
		_ = c.Conn.SetDeadline(c.deadline)
	}
}

func (c *conn) lift() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isLifted = true
}

// sent returns the first bytes that the server sent.
func (c *conn) sent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.first)
}
