package connlimit

import (
	"container/list"
	"maps"
	"net"
	"net/netip"
	"sync"

	"go.uber.org/zap"
)

// Why a connection was refused, or displaced another.
const (
	ReasonTotal       = "connections"             // the total limit is reached
	ReasonPerAddress  = "connections_per_address" // the limit of one address is reached
	ReasonDescriptors = "descriptors"             // the process or the machine has no more files to open
)

// Limits on connections. 0 is no limit.
type Limits struct {
	Total         int
	PerAddress    int            // from one IPv4 address, or one /64 of IPv6
	LimitLoopback bool           // PerAddress applies to loopback addresses, too
	Exempt        []netip.Prefix // addresses without PerAddress: proxies, which connect for many clients
}

// Counts are of one moment.
type Counts struct {
	Open      int
	Limits    Limits
	Refused   map[string]uint64 // by reason
	Displaced map[string]uint64 // closed for others, by reason
}

// Limiter counts connections. Its methods are safe for concurrent use.
type Limiter struct {
	log *zap.Logger

	mu        sync.Mutex
	limits    Limits
	open      int
	idle      *list.List                // of *conn: those without a request, longest idle first
	addresses map[address]*addressState // those that have any
	refused   map[string]uint64
	displaced map[string]uint64
}

// addressState counts the connections of one address.
type addressState struct {
	open int
	idle *list.List // as that of the Limiter
}

// New returns a Limiter without limits. log may be nil.
func New(log *zap.Logger) *Limiter {
	if log == nil {
		log = zap.NewNop()
	}
	zero := map[string]uint64{ReasonTotal: 0, ReasonPerAddress: 0, ReasonDescriptors: 0}
	return &Limiter{
		log: log, idle: list.New(), addresses: map[address]*addressState{},
		refused: zero, displaced: maps.Clone(zero),
	}
}

// SetLimits sets the limits for connections from now on.
func (t *Limiter) SetLimits(l Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits = l
}

// Count returns how many connections are open, and how many were refused or displaced.
func (t *Limiter) Count() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{Open: t.open, Limits: t.limits, Refused: maps.Clone(t.refused), Displaced: maps.Clone(t.displaced)}
}

// MarkBusy notes that a request has come over a connection: it is not displaced until it is idle. c is what a limited listener
// has accepted, or what encrypts it; others are passed over.
func (t *Limiter) MarkBusy(c net.Conn) {
	if c := unwrapConn(c); c != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.removeIdle(c)
	}
}

// MarkIdle notes that all requests that have come over a connection are answered.
func (t *Limiter) MarkIdle(c net.Conn) {
	if c := unwrapConn(c); c != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if c.counted {
			t.removeIdle(c)
			t.addIdle(c)
		}
	}
}

// admit admits a connection, if need be in place of another, which the caller closes; or returns the reason why not. reason is also set
// when another was displaced.
func (t *Limiter) admit(plain duplex) (admitted, displaced *conn, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, limited := t.limits.classify(plain.RemoteAddr())
	c := &conn{duplex: plain, limiter: t, from: from}
	state := t.addresses[c.from]
	if state == nil {
		state = &addressState{idle: list.New()}
	}
	idle := t.idle
	switch l := t.limits; {
	case limited && state.open >= l.PerAddress:
		reason, idle = ReasonPerAddress, state.idle
	case l.Total > 0 && t.open >= l.Total:
		reason = ReasonTotal
	}
	if reason != "" {
		first := idle.Front()
		if first == nil {
			t.refused[reason]++
			return nil, nil, reason
		}
		t.displaced[reason]++
		displaced = first.Value.(*conn)
		t.remove(displaced)
	}
	c.counted = true
	t.open++
	state.open++
	t.addresses[c.from] = state
	t.addIdle(c)
	return c, displaced, reason
}

// displaceIdle closes the connection that has been idle longest and reports whether there was one. It is for other shortages than the limits.
func (t *Limiter) displaceIdle(reason string) bool {
	t.mu.Lock()
	first := t.idle.Front()
	if first == nil {
		t.refused[reason]++
		t.mu.Unlock()
		return false
	}
	t.displaced[reason]++
	displaced := first.Value.(*conn)
	t.remove(displaced)
	t.mu.Unlock()
	displaced.abort()
	return true
}

// addIdle appends a connection to the idle ones. t.mu must be held, as for what follows.
func (t *Limiter) addIdle(c *conn) {
	c.idleElem = t.idle.PushBack(c)
	c.addressIdleElem = t.addresses[c.from].idle.PushBack(c)
}

func (t *Limiter) removeIdle(c *conn) {
	if c.idleElem == nil {
		return
	}
	t.idle.Remove(c.idleElem)
	t.addresses[c.from].idle.Remove(c.addressIdleElem)
	c.idleElem, c.addressIdleElem = nil, nil
}

func (t *Limiter) remove(c *conn) {
	if !c.counted {
		return
	}
	t.removeIdle(c)
	c.counted = false
	t.open--
	state := t.addresses[c.from]
	if state.open--; state.open == 0 {
		delete(t.addresses, c.from) // addresses come and go without end
	}
}
