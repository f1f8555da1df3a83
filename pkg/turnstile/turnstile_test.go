package turnstile

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

// patience is how long anything may take that is waited for.
const patience = 2 * time.Minute

// guard is a guarded listener on loopback whose connections are kept.
type guard struct {
	t        *testing.T
	s        *Turnstile
	l        net.Listener
	accepted chan net.Conn
}

func newGuard(t *testing.T, network, at string, secure bool, limits Limits) *guard {
	t.Helper()
	plain, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{t: t, s: New(nil), accepted: make(chan net.Conn, 100)}
	g.s.Limit(limits)
	g.l = g.s.Listener(plain, secure)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := g.l.Accept()
			if err != nil {
				return
			}
			g.accepted <- c
		}
	}()
	t.Cleanup(func() {
		_ = g.l.Close()
		<-done
		close(g.accepted)
		for c := range g.accepted {
			_ = c.Close()
		}
		if c := g.s.Count(); c.Open != 0 || g.s.waiting.Len() != 0 || len(g.s.addresses) != 0 {
			t.Errorf("at the end %d are open, %d wait, of %d addresses", c.Open, g.s.waiting.Len(), len(g.s.addresses))
		}
	})
	return g
}

// dial connects, from an address if one is given.
func (g *guard) dial(from string) net.Conn {
	g.t.Helper()
	d := net.Dialer{Timeout: patience}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial(g.l.Addr().Network(), g.l.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// enter connects and returns both ends.
func (g *guard) enter(from string) (client, server net.Conn) {
	g.t.Helper()
	client = g.dial(from)
	select {
	case server = <-g.accepted:
		g.t.Cleanup(func() { _ = server.Close() })
		return client, server
	case <-time.After(patience):
		g.t.Fatal("not accepted")
		return nil, nil
	}
}

// refused checks that a client is told so over HTTP.
func (g *guard) refused(c net.Conn) {
	g.t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: camd\r\n\r\n"); err != nil {
		g.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		g.t.Fatalf("not told: %v", err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || len(text) == 0 {
		g.t.Errorf("%s %v %q %v", answer.Status, answer.Header, text, err)
	}
}

// closed checks that an end is, by the other.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d %v, want closed", n, err)
	}
}

// open checks that bytes get through.
func open(t *testing.T, client, server net.Conn) {
	t.Helper()
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, 1)); err != nil {
		t.Errorf("a connection that was to stay is gone: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		from   [3]string
		why    string
	}{
		{"in all", Limits{InAll: 2}, [3]string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}, Full},
		{"from an address", Limits{InAll: 9, PerAddress: 2, Local: true}, [3]string{"127.0.0.2", "127.0.0.2", "127.0.0.2"}, FullAddress},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(t, "tcp", "127.0.0.1:0", false, c.limits)
			client, first := g.enter(c.from[0])
			_, second := g.enter(c.from[1])
			g.s.Busy(first)
			g.s.Busy(second)
			g.refused(g.dial(c.from[2]))
			open(t, client, first)
			if n := g.s.Count(); n.Open != 2 || n.Refused[c.why] != 1 || n.MadeRoom[c.why] != 0 {
				t.Errorf("%+v", n)
			}
			_ = first.Close()
			g.enter(c.from[2])
		})
	}
}

// Who waits longest makes room, and nobody who is at work.
func TestMakesRoom(t *testing.T) {
	g := newGuard(t, "tcp", "127.0.0.1:0", false, Limits{InAll: 3})
	worker, works := g.enter("127.0.0.2")
	g.s.Busy(works)
	first, atFirst := g.enter("127.0.0.3")
	second, _ := g.enter("127.0.0.4")
	g.s.Busy(atFirst)
	g.s.Idle(atFirst) // now it is the second that has waited longest
	third, _ := g.enter("127.0.0.5")
	closed(t, second)
	g.enter("127.0.0.6")
	closed(t, first)
	g.enter("127.0.0.7")
	closed(t, third)
	open(t, worker, works)
	if n := g.s.Count(); n.Open != 3 || n.MadeRoom[Full] != 3 || n.Refused[Full] != 0 {
		t.Errorf("%+v", n)
	}
}

// Whoever has as many as an address may have loses its own, and nobody else's.
func TestMakesRoomOfItsOwn(t *testing.T) {
	g := newGuard(t, "tcp", "127.0.0.1:0", false, Limits{InAll: 100, PerAddress: 2, Local: true})
	other, others := g.enter("127.0.0.2")
	first, _ := g.enter("127.0.0.3")
	g.enter("127.0.0.3")
	g.enter("127.0.0.3")
	closed(t, first)
	open(t, other, others)
	if n := g.s.Count(); n.MadeRoom[FullAddress] != 1 || n.Open != 3 {
		t.Errorf("%+v", n)
	}
}

func TestNotLimited(t *testing.T) {
	t.Run("loopback", func(t *testing.T) {
		g := newGuard(t, "tcp", "127.0.0.1:0", false, Limits{PerAddress: 1})
		client, server := g.enter("")
		g.enter("")
		open(t, client, server)
	})
	t.Run("unix socket", func(t *testing.T) {
		g := newGuard(t, "unix", filepath.Join(t.TempDir(), "socket"), false, Limits{PerAddress: 1, Local: true})
		client, server := g.enter("")
		g.enter("")
		open(t, client, server)
	})
	t.Run("in all, without a limit", func(t *testing.T) {
		g := newGuard(t, "tcp", "127.0.0.1:0", false, Limits{})
		client, server := g.enter("")
		g.enter("")
		open(t, client, server)
	})
}

// Over TLS the refusal is an alert, which a client understands before anything is encrypted.
// A proxy comes for all its clients, and takes nothing of its neighbours' in a /64.
func TestExcepted(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32"), netip.MustParsePrefix("2001:db8::9/128")}
	limits := Limits{PerAddress: 1, Local: true, Except: proxies}
	g := newGuard(t, "tcp", "127.0.0.1:0", false, limits)
	for _, from := range []string{"127.0.0.9", "127.0.0.8", "127.0.0.9", "127.0.0.9"} {
		_, server := g.enter(from)
		g.s.Busy(server)
	}
	_, other := g.enter("127.0.0.7")
	g.s.Busy(other)
	g.refused(g.dial("127.0.0.8"))
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip)} }
	proxy, limited := limits.of(at("2001:db8::9"))
	neighbour, meant := limits.of(at("2001:db8::8"))
	if limited || !meant || proxy == neighbour {
		t.Errorf("%v %v, %v %v", proxy, limited, neighbour, meant)
	}
}

func TestRefusedOverTLS(t *testing.T) {
	g := newGuard(t, "tcp", "127.0.0.1:0", true, Limits{InAll: 1})
	_, server := g.enter("")
	g.s.Busy(tls.Server(server, &tls.Config{}))
	client := tls.Client(g.dial(""), &tls.Config{InsecureSkipVerify: true})
	err := client.Handshake()
	if alert, ok := errors.AsType[*net.OpError](err); !ok || alert.Op != "remote error" {
		t.Errorf("%v, want an alert", err)
	}
}

// As many as are refused at once linger; of the others nothing is left.
func TestRefusedInCrowds(t *testing.T) {
	g := newGuard(t, "tcp", "127.0.0.1:0", false, Limits{InAll: 1})
	_, server := g.enter("")
	g.s.Busy(server)
	for range 3 * Lingering {
		g.dial("")
	}
	g.refusedAll(3 * Lingering)
	if n := g.s.Count(); n.Open != 1 {
		t.Errorf("%+v", n)
	}
}

// refusedAll waits until so many have been.
func (g *guard) refusedAll(n uint64) {
	g.t.Helper()
	for end := time.Now().Add(patience); g.s.Count().Refused[Full] < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("%+v", g.s.Count())
		}
	}
}

// Without descriptors one that waits gives its own.
func TestWithoutDescriptors(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	s := New(nil)
	l := s.Listener(plain, false)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
	first, second := dial(), dial()
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	give := exhaust(t)
	in, err := l.Accept()
	give()
	if err != nil {
		t.Fatalf("%v, want the place of the one that waits", err)
	}
	defer in.Close()
	closed(t, first)
	open(t, second, in)

	s.Busy(in)
	dial()
	give = exhaust(t)
	_, err = l.Accept()
	give()
	if !errors.Is(err, syscall.EMFILE) { // which net/http tries again after
		t.Errorf("%v, want %v", err, syscall.EMFILE)
	}
	if n := s.Count(); n.MadeRoom[Descriptors] != 1 || n.Refused[Descriptors] != 1 {
		t.Errorf("%+v", n)
	}
}

// exhaust lets the process open nothing more until what it returns is called.
func exhaust(t *testing.T) (give func()) {
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

func TestAddresses(t *testing.T) {
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
