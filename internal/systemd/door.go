package systemd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// door is the process' own listener as a client meets it: alive while requests are answered.
type door struct {
	url    string
	every  time.Duration
	client *http.Client
	last   atomic.Pointer[visit]
}

// visit is how the door was found.
type visit struct {
	answered time.Time // with a monotonic reading: nothing dies of a clock that is set
	since    error     // what has gone wrong since
}

// newDoor returns the door at url, to which a transport leads. A request goes there each `every`, and may take twice as long.
func newDoor(url string, way *http.Transport, every time.Duration) *door {
	way = way.Clone()
	way.DisableKeepAlives = true // each request a new connection: accepting one is what it is about
	d := &door{url: url, every: every, client: &http.Client{Timeout: 2 * every, Transport: way}}
	d.last.Store(&visit{answered: time.Now()})
	return d
}

// run knocks until ctx ends.
func (d *door) run(ctx context.Context) {
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for {
		switch err := d.knock(ctx); {
		case err == nil || full(err) || notOurs(err):
			d.last.Store(&visit{answered: time.Now()})
		default:
			d.last.Store(&visit{d.last.Load().answered, err})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d *door) knock(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		return errFull
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		return errors.New("it answers " + resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

var errFull = errors.New("it has as many connections as it may have")

// full reports whether the door was answered by a refusal: somebody is there, and has no room. Over TLS that is an alert.
func full(err error) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	return errors.Is(err, errFull) || ok && alert.Op == "remote error"
}

// notOurs reports whether an attempt failed for a reason that a restart would not mend: an address that this machine has
// lost, or file descriptors that viewers have used up, who would all be cut by one.
func notOurs(err error) bool {
	for _, e := range []error{syscall.EADDRNOTAVAIL, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return usedUp()
}

// spare is how many file descriptors may be free when they count as used up: those that an attempt itself had.
const spare = 4

// usedUp reports whether the process has as many files open as it may.
func usedUp() bool {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return false
	}
	open, err := os.ReadDir("/proc/self/fd")
	return errors.Is(err, syscall.EMFILE) || err == nil && uint64(len(open)+spare) > limit.Cur
}

// Alive says whether a request has been answered since then.
func (d *door) Alive(since time.Time) error {
	v := d.last.Load()
	if !v.answered.Before(since) {
		return nil
	}
	if v.since == nil {
		return fmt.Errorf("listener: a request has been waiting since %s", v.answered.Format(time.TimeOnly))
	}
	return fmt.Errorf("listener: not one request answered since %s: %w", v.answered.Format(time.TimeOnly), v.since)
}
