package connlimit

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds every wait.
const testTimeout = 2 * time.Minute

// testListener is a limited listener on loopback that keeps its connections.
type testListener struct {
	t        *testing.T
	limiter  *Limiter
	listener net.Listener
	accepted chan net.Conn
}

func newTestListener(t *testing.T, network, addr string, secure bool, limits Limits) *testListener {
	t.Helper()
	plain, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	g := &testListener{t: t, limiter: New(nil), accepted: make(chan net.Conn, 100)}
	g.limiter.SetLimits(limits)
	g.listener = g.limiter.Listener(plain, secure)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := g.listener.Accept()
			if err != nil {
				return
			}
			g.accepted <- c
		}
	}()
	t.Cleanup(func() {
		_ = g.listener.Close()
		<-done
		close(g.accepted)
		for c := range g.accepted {
			_ = c.Close()
		}
		if c := g.limiter.Count(); c.Open != 0 || g.limiter.idle.Len() != 0 || len(g.limiter.addresses) != 0 {
			t.Errorf("at the end %d are open, %d wait, of %d addresses", c.Open, g.limiter.idle.Len(), len(g.limiter.addresses))
		}
	})
	return g
}

// dial connects, from an address if one is given.
func (t *testListener) dial(from string) net.Conn {
	t.t.Helper()
	d := net.Dialer{Timeout: testTimeout}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial(t.listener.Addr().Network(), t.listener.Addr().String())
	if err != nil {
		t.t.Fatal(err)
	}
	t.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(testTimeout))
	return c
}

// connect connects and returns both ends.
func (t *testListener) connect(from string) (client, server net.Conn) {
	t.t.Helper()
	client = t.dial(from)
	select {
	case server = <-t.accepted:
		t.t.Cleanup(func() { _ = server.Close() })
		return client, server
	case <-time.After(testTimeout):
		t.t.Fatal("not accepted")
		return nil, nil
	}
}

// checkRefused checks that a client gets the refusal over HTTP.
func (t *testListener) checkRefused(c net.Conn) {
	t.t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: camd\r\n\r\n"); err != nil {
		t.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.t.Fatalf("no result: %v", err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || len(text) == 0 {
		t.t.Errorf("%s %v %q %v", answer.Status, answer.Header, text, err)
	}
}

// checkClosed checks that the other end of c has closed the connection.
func checkClosed(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d %v, want closed", n, err)
	}
}

// checkOpen checks that bytes get through a connection.
func checkOpen(t *testing.T, client, server net.Conn) {
	t.Helper()
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, 1)); err != nil {
		t.Errorf("a connection that must stay is closed: %v", err)
	}
}

func TestFullLimiterRefusesWhenAllAreBusy(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		from   [3]string
		why    string
	}{
		{"in all", Limits{Total: 2}, [3]string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}, ReasonTotal},
		{"from an address", Limits{Total: 9, PerAddress: 2, LimitLoopback: true}, [3]string{"127.0.0.2", "127.0.0.2", "127.0.0.2"}, ReasonPerAddress},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newTestListener(t, "tcp", "127.0.0.1:0", false, c.limits)
			client, first := g.connect(c.from[0])
			_, second := g.connect(c.from[1])
			g.limiter.MarkBusy(first)
			g.limiter.MarkBusy(second)
			g.checkRefused(g.dial(c.from[2]))
			checkOpen(t, client, first)
			if n := g.limiter.Count(); n.Open != 2 || n.Refused[c.why] != 1 || n.Displaced[c.why] != 0 {
				t.Errorf("%+v", n)
			}
			_ = first.Close()
			g.connect(c.from[2])
		})
	}
}

// The connection that has been idle longest is displaced, and never a busy one.
func TestFullLimiterDisplacesLongestIdle(t *testing.T) {
	g := newTestListener(t, "tcp", "127.0.0.1:0", false, Limits{Total: 3})
	busyClient, busyServer := g.connect("127.0.0.2")
	g.limiter.MarkBusy(busyServer)
	first, firstServer := g.connect("127.0.0.3")
	second, _ := g.connect("127.0.0.4")
	g.limiter.MarkBusy(firstServer)
	g.limiter.MarkIdle(firstServer) // now the second one has been idle longest
	third, _ := g.connect("127.0.0.5")
	checkClosed(t, second)
	g.connect("127.0.0.6")
	checkClosed(t, first)
	g.connect("127.0.0.7")
	checkClosed(t, third)
	checkOpen(t, busyClient, busyServer)
	if n := g.limiter.Count(); n.Open != 3 || n.Displaced[ReasonTotal] != 3 || n.Refused[ReasonTotal] != 0 {
		t.Errorf("%+v", n)
	}
}

// An address at its limit loses its own idle connection, and no other address does.
func TestAddressAtItsLimitDisplacesItsOwnConnection(t *testing.T) {
	g := newTestListener(t, "tcp", "127.0.0.1:0", false, Limits{Total: 100, PerAddress: 2, LimitLoopback: true})
	otherClient, otherServer := g.connect("127.0.0.2")
	first, _ := g.connect("127.0.0.3")
	g.connect("127.0.0.3")
	g.connect("127.0.0.3")
	checkClosed(t, first)
	checkOpen(t, otherClient, otherServer)
	if n := g.limiter.Count(); n.Displaced[ReasonPerAddress] != 1 || n.Open != 3 {
		t.Errorf("%+v", n)
	}
}

func TestUnlimitedConnectionsAreAdmitted(t *testing.T) {
	t.Run("loopback", func(t *testing.T) {
		g := newTestListener(t, "tcp", "127.0.0.1:0", false, Limits{PerAddress: 1})
		client, server := g.connect("")
		g.connect("")
		checkOpen(t, client, server)
	})
	t.Run("unix socket", func(t *testing.T) {
		g := newTestListener(t, "unix", filepath.Join(t.TempDir(), "socket"), false, Limits{PerAddress: 1, LimitLoopback: true})
		client, server := g.connect("")
		g.connect("")
		checkOpen(t, client, server)
	})
	t.Run("in all, without a limit", func(t *testing.T) {
		g := newTestListener(t, "tcp", "127.0.0.1:0", false, Limits{})
		client, server := g.connect("")
		g.connect("")
		checkOpen(t, client, server)
	})
}

// A proxy connects for all its clients, and does not use up the limit of its /64.
func TestExemptAddressesHaveNoPerAddressLimit(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32"), netip.MustParsePrefix("2001:db8::9/128")}
	limits := Limits{PerAddress: 1, LimitLoopback: true, Exempt: proxies}
	g := newTestListener(t, "tcp", "127.0.0.1:0", false, limits)
	for _, from := range []string{"127.0.0.9", "127.0.0.8", "127.0.0.9", "127.0.0.9"} {
		_, server := g.connect(from)
		g.limiter.MarkBusy(server)
	}
	_, other := g.connect("127.0.0.7")
	g.limiter.MarkBusy(other)
	g.checkRefused(g.dial("127.0.0.8"))
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip)} }
	proxy, limited := limits.classify(at("2001:db8::9"))
	neighbour, neighbourLimited := limits.classify(at("2001:db8::8"))
	if limited || !neighbourLimited || proxy == neighbour {
		t.Errorf("%v %v, %v %v", proxy, limited, neighbour, neighbourLimited)
	}
}

func TestRefusalOverTLSIsAnAlert(t *testing.T) {
	g := newTestListener(t, "tcp", "127.0.0.1:0", true, Limits{Total: 1})
	_, server := g.connect("")
	g.limiter.MarkBusy(tls.Server(server, &tls.Config{}))
	client := tls.Client(g.dial(""), &tls.Config{InsecureSkipVerify: true})
	err := client.Handshake()
	if alert, ok := errors.AsType[*net.OpError](err); !ok || alert.Op != "remote error" {
		t.Errorf("%v, want an alert", err)
	}
}

// At most MaxLingering refused connections linger. The others are closed at once.
func TestRefusedConnectionsAreNotKept(t *testing.T) {
	g := newTestListener(t, "tcp", "127.0.0.1:0", false, Limits{Total: 1})
	_, server := g.connect("")
	g.limiter.MarkBusy(server)
	for range 3 * MaxLingering {
		g.dial("")
	}
	g.waitForRefused(3 * MaxLingering)
	if n := g.limiter.Count(); n.Open != 1 {
		t.Errorf("%+v", n)
	}
}

// waitForRefused waits until that many connections have been refused.
func (t *testListener) waitForRefused(n uint64) {
	t.t.Helper()
	for end := time.Now().Add(testTimeout); t.limiter.Count().Refused[ReasonTotal] < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.t.Fatalf("%+v", t.limiter.Count())
		}
	}
}

// Without a free descriptor an idle connection is closed.
func TestMissingDescriptorDisplacesIdleConnection(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	limiter := New(nil)
	l := limiter.Listener(plain, false)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(testTimeout))
		return c
	}
	first, second := dial(), dial()
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	restore := exhaustDescriptors(t)
	in, err := l.Accept()
	restore()
	if err != nil {
		t.Fatalf("%v, want the place of the idle connection", err)
	}
	defer in.Close()
	checkClosed(t, first)
	checkOpen(t, second, in)

	limiter.MarkBusy(in)
	dial()
	restore = exhaustDescriptors(t)
	_, err = l.Accept()
	restore()
	if !errors.Is(err, syscall.EMFILE) { // net/http accepts again after this error
		t.Errorf("%v, want %v", err, syscall.EMFILE)
	}
	if n := limiter.Count(); n.Displaced[ReasonDescriptors] != 1 || n.Refused[ReasonDescriptors] != 1 {
		t.Errorf("%+v", n)
	}
}

// exhaustDescriptors uses up the process's file descriptors until the returned function is called.
func exhaustDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	next, err := os.Open(os.DevNull) // the lowest that is free
	if err != nil {
		t.Fatal(err)
	}
	lowest := next.Fd()
	_ = next.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(lowest), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAddressesGroupIPv6By64(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"::ffff:192.0.2.1", "192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"::1", "::2", false},
	} {
		of := func(s string) address {
			return addressOf(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(s), 1)))
		}
		if got := of(c.a) == of(c.b); got != c.same {
			t.Errorf("%s and %s: %v, want %v", c.a, c.b, got, c.same)
		}
	}
}
