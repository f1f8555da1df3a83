package access

import (
	"context"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// What wrong passwords cost. An address may be wrong ten times, and then once in ten seconds. A name that many are wrong about is
// guessed at: then a wrong password counts fivefold at addresses from which nobody has had it right, so that of an army of
// addresses each has two guesses, and then one in fifty seconds. What others do elsewhere refuses nobody, but for moments in which the
// queue below is full.
const (
	addressBurst, addressEvery = 10, 10 * time.Second
	nameBurst, nameEvery       = 20, 30 * time.Second
	pressed                    = 5
)

// Passwords are checked one at a time, since that costs memory and time. So many may wait, of one address and in all, and more of
// those who come from where they have been right before.
const (
	queueOfAddress, queue, queueOfAcquainted = 4, 16, 24
)

// How many addresses, names and acquaintances are remembered. Whoever has more addresses is still held to one check at a time.
const mostAddresses, mostNames, mostAcquainted = 4096, 1024, 1024

// Attempts slows those who guess at passwords, by their addresses (IPv6 by /64) and by the names that they guess at. Who has a
// session, a token or a password that was right before is not looked at here, and so not slowed. It takes bounded memory, and
// outlives a [Gate]. Its methods are safe for concurrent use.
type Attempts struct {
	turn *semaphore.Weighted

	mu         sync.Mutex
	addresses  *lru.Cache[netip.Prefix, *rate.Limiter]
	names      *lru.Cache[string, *rate.Limiter]
	acquainted *lru.Cache[acquaintance, struct{}]
	waiting    map[netip.Prefix]int // by address, those that are being checked included
	queued     int
}

// acquaintance is somebody who had it right, and from where.
type acquaintance struct {
	name    string
	address netip.Prefix
}

// NewAttempts returns what has seen nobody yet.
func NewAttempts() *Attempts {
	a := &Attempts{turn: semaphore.NewWeighted(1), waiting: map[netip.Prefix]int{}}
	a.addresses, _ = lru.New[netip.Prefix, *rate.Limiter](mostAddresses) // it fails for sizes below 1 only
	a.names, _ = lru.New[string, *rate.Limiter](mostNames)
	a.acquainted, _ = lru.New[acquaintance, struct{}](mostAcquainted)
	return a
}

// try runs verify unless who asks has to wait. It returns ErrWrong or a *LaterError.
func (a *Attempts) try(client Client, name string, verify func() bool) error {
	who := acquaintance{name, neighbourhood(client.Addr)}
	if err := a.enter(who); err != nil {
		return err
	}
	// The queue is short, and a check is not: nobody is waited for in vain.
	_ = a.turn.Acquire(context.Background(), 1)
	right := verify()
	a.turn.Release(1)
	a.leave(who, right)
	if !right {
		return ErrWrong
	}
	return nil
}

// enter admits to the queue. Those of an address that are in it count as wrong until they are known to be right, or many at once
// could be more than may be one after the other.
func (a *Attempts) enter(who acquaintance) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	there := a.waiting[who.address]
	if l, ok := a.addresses.Get(who.address); ok {
		if missing := float64(1+there*a.cost(who)) - l.Tokens(); missing > 0 {
			return &LaterError{time.Duration(missing * float64(addressEvery))}
		}
	}
	most := queue
	if a.acquainted.Contains(who) {
		most = queueOfAcquainted
	}
	if there >= queueOfAddress || a.queued >= most {
		return &LaterError{time.Second}
	}
	a.waiting[who.address]++
	a.queued++
	return nil
}

func (a *Attempts) leave(who acquaintance, right bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queued--
	if a.waiting[who.address]--; a.waiting[who.address] == 0 {
		delete(a.waiting, who.address)
	}
	if right { // earlier wrong ones stay: a guesser may have a name of his own
		a.acquainted.Add(who, struct{}{})
		return
	}
	limiter(a.addresses, who.address, addressEvery, addressBurst).ReserveN(time.Now(), a.cost(who))
	limiter(a.names, who.name, nameEvery, nameBurst).Allow()
}

// cost is how much a wrong password counts. a.mu is held.
func (a *Attempts) cost(who acquaintance) int {
	l, ok := a.names.Get(who.name)
	if !ok || l.Tokens() >= 1 || a.acquainted.Contains(who) {
		return 1
	}
	return pressed
}

func limiter[K comparable](all *lru.Cache[K, *rate.Limiter], key K, every time.Duration, burst int) *rate.Limiter {
	l, ok := all.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Every(every), burst)
		all.Add(key, l)
	}
	return l
}

// neighbourhood is what counts as one address: of IPv6, whoever has one has all of a /64.
func neighbourhood(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // of no address: nobody's, who comes by a socket of this machine
	return p
}
