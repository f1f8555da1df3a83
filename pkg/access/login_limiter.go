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

// The limits of wrong passwords. An address has ten guesses, and then one in ten seconds.
//
// A user name is under attack after twenty wrong passwords from anywhere, and as long as more than one in thirty seconds follows.
// Then a wrong password for that name counts five times at an address from which the user has never logged in. So each address of a
// distributed attack has two guesses, and then one in fifty seconds.
//
// Failures from other addresses never refuse a client, except while the queue below is full.
const (
	addressBurst, addressInterval = 10, 10 * time.Second
	nameBurst, nameInterval       = 20, 30 * time.Second
	attackedNameCost              = 5
)

// Passwords are checked one at a time, because a check costs memory and time. These bound the attempts that wait: of one address,
// in all, and in all for a user at an address of an earlier login.
const (
	maxQueuedPerAddress, maxQueued, maxQueuedTrusted = 4, 16, 24
)

// How many addresses, names and successful logins are remembered. An attacker with more addresses is still limited to one check at a
// time.
const maxAddresses, maxNames, maxSucceeded = 4096, 1024, 1024

// LoginLimiter limits how fast passwords can be guessed, by client address (IPv6 by /64) and by user name. It does not slow down
// requests with a session, a token or a password that was accepted before. Its memory is bounded. It outlives an [Authenticator].
// Its methods are safe for concurrent use.
type LoginLimiter struct {
	checkSlot *semaphore.Weighted

	mu        sync.Mutex
	addresses *lru.Cache[netip.Prefix, *rate.Limiter]
	names     *lru.Cache[string, *rate.Limiter]
	succeeded *lru.Cache[userAddress, struct{}]
	waiting   map[netip.Prefix]int // attempts by address, including the one that is being checked
	queued    int
}

// userAddress is a user name and the network of a client.
type userAddress struct {
	user    string
	address netip.Prefix
}

// NewLoginLimiter returns a limiter that has seen no failures.
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
	// The attempt keeps its place in the short queue even if its client leaves: the check counts all the same.
	_ = a.checkSlot.Acquire(context.Background(), 1)
	isRight := verify()
	a.checkSlot.Release(1)
	a.dequeue(source, isRight)
	if !isRight {
		return ErrWrongCredentials
	}
	return nil
}

// enqueue puts an attempt into the queue, or returns a *RetryLaterError. Waiting attempts count as wrong until they are checked.
// Otherwise an address could make more guesses in parallel than one after the other.
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
	if isRight { // earlier failures stay counted: an attacker may have an account
		a.succeeded.Add(source, struct{}{})
		return
	}
	limiterFor(a.addresses, source.address, addressInterval, addressBurst).ReserveN(time.Now(), a.cost(source))
	limiterFor(a.names, source.user, nameInterval, nameBurst).Allow()
}

// cost returns how much a wrong password counts. a.mu is held.
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
