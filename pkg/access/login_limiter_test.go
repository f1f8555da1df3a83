package access

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"camd/internal/clientprefix"
)

// countGuesses tries n different wrong passwords, and returns how many are checked before one is not.
func countGuesses(g *Authenticator, user string, n int, change ...func(*http.Request)) int {
	for i := range n {
		var later *RetryLaterError
		if _, err := g.Identify(request(append(change, withBasicAuth(user, fmt.Sprint("wrong", user, i, request(change...).RemoteAddr, time.Now().UnixNano())))...)); errors.As(err, &later) {
			return i
		}
	}
	return n
}

func identifyError(g *Authenticator, change ...func(*http.Request)) error {
	_, err := g.Identify(request(change...))
	return err
}

func TestLoginLimiterSlowsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(testOptions(NewToken()))
		attacker := fromAddress("192.0.2.66:1")
		if n := countGuesses(g, "nobody", 100, attacker); n != addressBurst {
			t.Errorf("got %d guesses at once, want %d", n, addressBurst)
		}
		var later *RetryLaterError
		if err := identifyError(g, attacker, withBasicAuth("anna", "hunter2")); !errors.As(err, &later) || later.Seconds() < 1 || later.Seconds() > 10 {
			t.Fatalf("got %v, want a retry within 10 s", err)
		}
		time.Sleep(later.RetryAfter)
		if err := identifyError(g, attacker, withBasicAuth("anna", "hunter4")); !errors.Is(err, ErrWrongCredentials) {
			t.Errorf("after the wait: got %v, want %v", err, ErrWrongCredentials)
		}
		tried := 0
		for i := range 15 { // another name each time, because one name would slow it further
			time.Sleep(time.Minute)
			tried += countGuesses(g, fmt.Sprint("nobody", i), 100, attacker)
		}
		if want := 15 * int(time.Minute/addressInterval); tried < want-2 || tried > want {
			t.Errorf("got %d guesses in a quarter of an hour, want %d", tried, want)
		}
	})
}

func TestLoginLimiterDoesNotLockOutOwner(t *testing.T) {
	token := NewToken()
	synctest.Test(t, func(t *testing.T) {
		g := New(testOptions(token))
		attacker := fromAddress("192.0.2.66:1")
		session, _, err := g.Login(request(attacker), "anna", "hunter2")
		if err != nil {
			t.Fatal(err)
		}
		link := signLink(t, g, "yard", time.Hour)
		o := g.options // a reload, which forgets accepted passwords
		g = New(o)
		countGuesses(g, "anna", 100, attacker)
		for name, owner := range map[string][]func(*http.Request){
			"from elsewhere":                               {fromAddress("192.0.2.67:1"), withBasicAuth("anna", "hunter2")},
			"from elsewhere by IPv6":                       {fromAddress("[2001:db8::1]:1"), withBasicAuth("anna", "hunter2")},
			"session, same address":                        {attacker, withCookie(session)},
			"token, same address":                          {attacker, withBearer(token)},
			"link, same address":                           {attacker, withLink(link)},
			"password that was right before, same address": {attacker, withBasicAuth("anna", "hunter2")},
		} {
			if name == "password that was right before, same address" {
				if err := identifyError(g, fromAddress("192.0.2.67:1"), withBasicAuth("anna", "hunter2")); err != nil {
					t.Fatal(err)
				}
			}
			if err := identifyError(g, owner...); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// If many addresses guess at one name, each has fewer guesses, and the owner can still log in from a new address.
func TestLoginLimiterSlowsDistributedGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(testOptions(NewToken()))
		if err := identifyError(g, fromAddress("198.51.100.1:1"), withBasicAuth("anna", "hunter2")); err != nil {
			t.Fatal(err)
		}
		g = New(g.options)
		for i := range 4 {
			countGuesses(g, "anna", 100, fromAddress(fmt.Sprintf("192.0.2.%d:1", i)))
		}
		for i := range 20 {
			if n := countGuesses(g, "anna", 100, fromAddress(fmt.Sprintf("192.0.2.%d:1", 100+i))); n != addressBurst/attackedNameCost {
				t.Errorf("attacker %d: got %d guesses, want %d", i, n, addressBurst/attackedNameCost)
			}
		}
		if n := countGuesses(g, "guest", 100, fromAddress("192.0.2.200:1")); n != addressBurst {
			t.Errorf("at another name: got %d guesses, want %d", n, addressBurst)
		}
		if n := countGuesses(g, "anna", 9, fromAddress("198.51.100.1:1")); n != 9 { // wrong passwords at an address of an earlier login
			t.Errorf("known address: got %d guesses, want 9", n)
		}
		for _, owner := range []string{"198.51.100.1:2", "203.0.113.9:1"} {
			if err := identifyError(g, fromAddress(owner), withBasicAuth("anna", "hunter2")); err != nil {
				t.Errorf("%s: %v", owner, err)
			}
		}
	})
}

func TestLoginLimiterCountsIPv6ByNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(testOptions(NewToken()))
		n := 0
		for i := range 50 {
			n += countGuesses(g, "nobody", 1, fromAddress(fmt.Sprintf("[2001:db8:1:2:%x::1]:1", i+1)))
		}
		if n != addressBurst {
			t.Errorf("got %d guesses from a /64, want %d", n, addressBurst)
		}
		for _, address := range []string{"[2001:db8:1:3::1]:1", "192.0.2.8:1"} {
			if n := countGuesses(g, "nobody", 1, fromAddress(address)); n != 1 {
				t.Errorf("%s is refused for the guesses of others", address)
			}
		}
		// An IPv4-mapped IPv6 address is the same address.
		countGuesses(g, "nobody", 100, fromAddress("192.0.2.8:1"))
		if n := countGuesses(g, "nobody", 1, fromAddress("[::ffff:192.0.2.8]:1")); n != 0 {
			t.Error("the IPv4-mapped address counts separately")
		}
	})
}

// A program that repeats an old password does not lock its owner out.
func TestRepeatedWrongPasswordIsNotCounted(t *testing.T) {
	g := New(testOptions(NewToken()))
	for range 1000 {
		if err := identifyError(g, withBasicAuth("anna", "old")); !errors.Is(err, ErrWrongCredentials) {
			t.Fatalf("got %v, want %v", err, ErrWrongCredentials)
		}
	}
	if err := identifyError(g, withBasicAuth("anna", "hunter2")); err != nil {
		t.Error(err)
	}
}

func TestRightPasswordIsCheckedOnce(t *testing.T) {
	g := New(testOptions(NewToken()))
	var all sync.WaitGroup
	for range 200 { // more than fit into any queue
		all.Go(func() {
			if err := identifyError(g, withBasicAuth("anna", "hunter2")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := testing.AllocsPerRun(1, func() { _ = identifyError(g, withBasicAuth("anna", "hunter2")) }); n > 100 {
		t.Errorf("got %v allocations: the password was checked again", n)
	}
}

func TestPasswordQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewLoginLimiter()
		source := userAddress{"anna", clientprefix.Of(peerAddr(request(fromAddress("198.51.100.1:1"))))}
		a.succeeded.Add(source, struct{}{})
		proceed, results := make(chan struct{}), make(chan error, 1000)
		ask := func(r *http.Request, name string) {
			go func() {
				results <- a.attempt(Client{Addr: peerAddr(r)}, name, func() bool { <-proceed; return true })
			}()
			synctest.Wait()
		}
		refused := func() (n int) {
			for {
				select {
				case err := <-results:
					var later *RetryLaterError
					if !errors.As(err, &later) {
						t.Fatalf("got %v, want a *RetryLaterError", err)
					}
					n++
				default:
					return n
				}
			}
		}
		for range 10 {
			ask(request(), "bob")
		}
		if n := refused(); n != 10-maxQueuedPerAddress {
			t.Errorf("one address: %d of 10 refused, want %d", n, 10-maxQueuedPerAddress)
		}
		for i := range 100 {
			ask(request(fromAddress(fmt.Sprintf("192.0.2.%d:1", 100+i))), "bob")
		}
		if n, want := refused(), 100-(maxQueued-maxQueuedPerAddress); n != want {
			t.Errorf("many addresses: %d of 100 refused, want %d", n, want)
		}
		ask(request(fromAddress("198.51.100.1:1")), "anna")
		if refused() != 0 {
			t.Error("a user at an address of an earlier login was refused")
		}
		close(proceed)
		synctest.Wait()
		for range maxQueued + 1 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if a.queued != 0 || len(a.waiting) != 0 {
			t.Errorf("left: %d queued, %v", a.queued, a.waiting)
		}
	})
}

func TestLoginLimiterMemoryIsBounded(t *testing.T) {
	a := NewLoginLimiter()
	for i := range 3 * maxAddresses {
		r := request(fromAddress(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>16, i&0xffff)))
		_ = a.attempt(Client{Addr: peerAddr(r)}, fmt.Sprint("user", i), func() bool { return i%2 == 0 })
	}
	if n, m, k := a.addresses.Len(), a.names.Len(), a.succeeded.Len(); n > maxAddresses || m > maxNames || k > maxSucceeded || len(a.waiting) != 0 {
		t.Errorf("got %d addresses, %d names, %d successful logins, %d waiting", n, m, k, len(a.waiting))
	}
}
