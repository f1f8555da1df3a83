package access

import (
	"context"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"camd/internal/clientprefix"
)

// What wrong passwords cost. An address may be wrong ten times, and then once in ten seconds. A name that many are wrong about is
// guessed at: then a wrong password counts fivefold at addresses from which nobody has had it right, so that of an army of
// addresses each has two guesses, and then one in fifty seconds. What others do elsewhere refuses nobody, but for moments in which the
// queue below is full.
const (
	addressBurst, addressInterval = 10, 10 * time.Second
	nameBurst, nameInterval       = 20, 30 * time.Second
	attackedNameCost              = 5
)

// Passwords are checked one at a time, since that costs memory and time. So many may wait, of one address and in all, and more of
// those who come from where they have been right before.
const (
	maxQueuedPerAddress, maxQueued, maxQueuedTrusted = 4, 16, 24
)

// How many addresses, names and successful logins are remembered. Whoever has more addresses is still held to one check at a time.
const maxAddresses, maxNames, maxSucceeded = 4096, 1024, 1024

// LoginLimiter slows those who guess at passwords, by their addresses (IPv6 by /64) and by the names that they guess at. Who has a
// session, a token or a password that was right before is not looked at here, and so not slowed. It takes bounded memory, and
// outlives a [Authenticator]. Its methods are safe for concurrent use.
type LoginLimiter struct {
	checkSlot *semaphore.Weighted

	mu        sync.Mutex
	addresses *lru.Cache[netip.Prefix, *rate.Limiter]
	names     *lru.Cache[string, *rate.Limiter]
	succeeded *lru.Cache[userAddress, struct{}]
	waiting   map[netip.Prefix]int // by address, those that are being checked included
	queued    int
}

// userAddress is a user who logged in, and from which network.
type userAddress struct {
	user    string
	address netip.Prefix
}

// NewLoginLimiter returns a limiter that has no failures yet.
func NewLoginLimiter() *LoginLimiter {
	a := &LoginLimiter{checkSlot: semaphore.NewWeighted(1), waiting: map[netip.Prefix]int{}}
	a.addresses, _ = lru.New[netip.Prefix, *rate.Limiter](maxAddresses) // it fails for sizes below 1 only
	a.names, _ = lru.New[string, *rate.Limiter](maxNames)
	a.succeeded, _ = lru.New[userAddress, struct{}](maxSucceeded)
	return a
}

// attempt runs verify unless the client has to wait. It returns ErrWrongCredentials or a *RetryLaterError.
func (a *LoginLimiter) attempt(client Client, name string, verify func() bool) error {
	source := userAddress{name, clientprefix.Of(client.Addr)}
	if err := a.enqueue(source); err != nil {
		return err
	}
	// The queue is short, and a check is not: nobody is waited for in vain.
	_ = a.checkSlot.Acquire(context.Background(), 1)
	isRight := verify()
	a.checkSlot.Release(1)
	a.dequeue(source, isRight)
	if !isRight {
		return ErrWrongCredentials
	}
	return nil
}

// enqueue admits to the queue. Those of an address that are in it count as wrong until they are known to be right, or many at once
// could be more than may be one after the other.
func (a *LoginLimiter) enqueue(source userAddress) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	queuedHere := a.waiting[source.address]
	if l, ok := a.addresses.Get(source.address); ok {
		if missing := float64(1+queuedHere*a.cost(source)) - l.Tokens(); missing > 0 {
			return &RetryLaterError{time.Duration(missing * float64(addressInterval))}
		}
	}
	limit := maxQueued
	if a.succeeded.Contains(source) {
		limit = maxQueuedTrusted
	}
	if queuedHere >= maxQueuedPerAddress || a.queued >= limit {
		return &RetryLaterError{time.Second}
	}
	a.waiting[source.address]++
	a.queued++
	return nil
}

func (a *LoginLimiter) dequeue(source userAddress, isRight bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queued--
	if a.waiting[source.address]--; a.waiting[source.address] == 0 {
		delete(a.waiting, source.address)
	}
	if isRight { // earlier wrong ones stay: a guesser may have a name of his own
		a.succeeded.Add(source, struct{}{})
		return
	}
	limiterFor(a.addresses, source.address, addressInterval, addressBurst).ReserveN(time.Now(), a.cost(source))
	limiterFor(a.names, source.user, nameInterval, nameBurst).Allow()
}

// cost is how much a wrong password counts. a.mu is held.
func (a *LoginLimiter) cost(source userAddress) int {
	l, ok := a.names.Get(source.user)
	if !ok || l.Tokens() >= 1 || a.succeeded.Contains(source) {
		return 1
	}
	return attackedNameCost
}

func limiterFor[K comparable](all *lru.Cache[K, *rate.Limiter], key K, every time.Duration, burst int) *rate.Limiter {
	l, ok := all.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Every(every), burst)
		all.Add(key, l)
	}
	return l
}
