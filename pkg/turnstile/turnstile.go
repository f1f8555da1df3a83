package turnstile

import (
	"container/list"
	"maps"
	"net"
	"net/netip"
	"sync"

	"go.uber.org/zap"
)

// Why a connection was refused, or another made room for it.
const (
	Full        = "connections"             // as many as may are there
	FullAddress = "connections_per_address" // as many as may from one address
	Descriptors = "descriptors"             // the process or the machine has no more files to open
)

// Limits on connections. 0 is no limit.
type Limits struct {
	InAll      int
	PerAddress int            // from one IPv4 address, or one /64 of IPv6
	Local      bool           // loopback addresses are limited likewise; else PerAddress is not for them
	Except     []netip.Prefix // whom PerAddress is not for: proxies, which come for many
}

// Counts are of one moment.
type Counts struct {
	Open     int
	Limits   Limits
	Refused  map[string]uint64 // by why
	MadeRoom map[string]uint64 // closed for others, by why
}

// Turnstile counts connections. Its methods are safe for concurrent use.
type Turnstile struct {
	log *zap.Logger

	mu        sync.Mutex
	limits    Limits
	open      int
	waiting   *list.List          // of *conn: those without a request, who has been so longest first
	addresses map[address]*origin // those that have any
	refused   map[string]uint64
	madeRoom  map[string]uint64
}

// origin is where connections come from.
type origin struct {
	open    int
	waiting *list.List // as that of the turnstile
}

// New returns a turnstile without limits. log may be nil.
func New(log *zap.Logger) *Turnstile {
	if log == nil {
		log = zap.NewNop()
	}
	none := map[string]uint64{Full: 0, FullAddress: 0, Descriptors: 0}
	return &Turnstile{
		log: log, waiting: list.New(), addresses: map[address]*origin{},
		refused: none, madeRoom: maps.Clone(none),
	}
}

// Limit sets the limits for those who come from now on.
func (t *Turnstile) Limit(l Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits = l
}

// Count returns who is there, and what has become of those who are not.
func (t *Turnstile) Count() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{Open: t.open, Limits: t.limits, Refused: maps.Clone(t.refused), MadeRoom: maps.Clone(t.madeRoom)}
}

// Busy notes that a request has come over a connection: it makes room for nobody until it is idle. c is what a guarded listener
// has accepted, or what encrypts it; others are passed over.
func (t *Turnstile) Busy(c net.Conn) {
	if c := ours(c); c != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.works(c)
	}
}

// Idle notes that all requests that have come over a connection are answered.
func (t *Turnstile) Idle(c net.Conn) {
	if c := ours(c); c != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if c.there {
			t.works(c)
			t.waits(c)
		}
	}
}

// admit lets a connection in, if need be in place of another, which is to be closed; or says why not. why is also for whom it
// was that one made room.
func (t *Turnstile) admit(plain duplex) (in, out *conn, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, limited := t.limits.of(plain.RemoteAddr())
	c := &conn{duplex: plain, turnstile: t, from: from}
	o := t.addresses[c.from]
	if o == nil {
		o = &origin{waiting: list.New()}
	}
	longest := t.waiting
	switch l := t.limits; {
	case limited && o.open >= l.PerAddress:
		why, longest = FullAddress, o.waiting
	case l.InAll > 0 && t.open >= l.InAll:
		why = Full
	}
	if why != "" {
		first := longest.Front()
		if first == nil {
			t.refused[why]++
			return nil, nil, why
		}
		t.madeRoom[why]++
		out = first.Value.(*conn)
		t.leave(out)
	}
	c.there = true
	t.open++
	o.open++
	t.addresses[c.from] = o
	t.waits(c)
	return c, out, why
}

// spare closes the connection that has waited longest, for want of something else than places, and reports whether there was one.
func (t *Turnstile) spare(why string) bool {
	t.mu.Lock()
	first := t.waiting.Front()
	if first == nil {
		t.refused[why]++
		t.mu.Unlock()
		return false
	}
	t.madeRoom[why]++
	out := first.Value.(*conn)
	t.leave(out)
	t.mu.Unlock()
	out.abort()
	return true
}

// waits puts a connection behind those that wait. t.mu must be held, as for what follows.
func (t *Turnstile) waits(c *conn) {
	c.inAll = t.waiting.PushBack(c)
	c.ofAddress = t.addresses[c.from].waiting.PushBack(c)
}

func (t *Turnstile) works(c *conn) {
	if c.inAll == nil {
		return
	}
	t.waiting.Remove(c.inAll)
	t.addresses[c.from].waiting.Remove(c.ofAddress)
	c.inAll, c.ofAddress = nil, nil
}

func (t *Turnstile) leave(c *conn) {
	if !c.there {
		return
	}
	t.works(c)
	c.there = false
	t.open--
	o := t.addresses[c.from]
	if o.open--; o.open == 0 {
		delete(t.addresses, c.from) // addresses come and go without end
	}
}
