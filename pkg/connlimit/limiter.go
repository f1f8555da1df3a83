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
	ReasonDescriptors = "descriptors"             // the process or the machine has no free file descriptors or socket memory
)

// Limits on connections. 0 means no limit.
type Limits struct {
	Total         int
	PerAddress    int            // from one IPv4 address, or one /64 of IPv6
	LimitLoopback bool           // apply PerAddress to loopback addresses, too
	Exempt        []netip.Prefix // addresses that PerAddress does not limit: proxies, which connect for many clients
}

// Counts is a snapshot of a Limiter.
type Counts struct {
	Open      int               // now
	Limits    Limits            // now
	Refused   map[string]uint64 // so far, by reason
	Displaced map[string]uint64 // idle connections closed for others so far, by reason
}

// Limiter counts connections. Its methods are safe for concurrent use.
type Limiter struct {
	log *zap.Logger

	mu        sync.Mutex
	limits    Limits
	open      int
	idle      *list.List                // of *conn: idle connections, longest idle first
	addresses map[address]*addressState // of addresses with connections
	refused   map[string]uint64
	displaced map[string]uint64
}

// addressState counts the connections of one address.
type addressState struct {
	open int
	idle *list.List // like Limiter.idle
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

// SetLimits sets the limits for new connections. Open connections stay.
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

// MarkBusy marks a connection as busy, so that it is not displaced until MarkIdle. Call it when a request arrives. c is a connection
// that a limited listener has accepted, or a TLS connection over one. Others are ignored.
func (t *Limiter) MarkBusy(c net.Conn) {
	if c := unwrapConn(c); c != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.removeIdle(c)
	}
}

// MarkIdle marks a connection as idle. Call it when all requests on the connection are answered. For c see MarkBusy.
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

// admit counts a new connection and returns it as admitted. At a limit it also returns an idle connection as displaced, which the
// caller must abort, and the limit's reason. If no connection is idle, it returns only the reason, and the caller must refuse the
// new connection.
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

// displaceIdle closes the connection that has been idle longest, and reports whether there was one. It is for shortages other than
// the limits, such as of file descriptors. It counts the connection as displaced, or, if there is none, a refused one.
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

// addIdle appends a connection to the idle ones. t.mu must be held, as for removeIdle and remove.
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
		delete(t.addresses, c.from) // the map must not grow with every new address
	}
}
