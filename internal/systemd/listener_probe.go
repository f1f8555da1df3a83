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

// listenerProbe sends requests to the listener of this process. It is alive while they are answered.
type listenerProbe struct {
	url      string
	interval time.Duration
	client   *http.Client
	last     atomic.Pointer[probeResult]
}

// probeResult is the outcome of the newest probe.
type probeResult struct {
	lastResponse time.Time // has a monotonic reading, so setting the clock has no effect
	err          error     // why no request has been answered since
}

// newListenerProbe returns a probe of url through a transport. It sends a request each interval. A request may take two intervals.
func newListenerProbe(url string, transport *http.Transport, interval time.Duration) *listenerProbe {
	transport = transport.Clone()
	transport.DisableKeepAlives = true // each request opens a connection, to test that the listener accepts
	d := &listenerProbe{url: url, interval: interval, client: &http.Client{Timeout: 2 * interval, Transport: transport}}
	d.last.Store(&probeResult{lastResponse: time.Now()})
	return d
}

// run probes until ctx ends.
func (l *listenerProbe) run(ctx context.Context) {
	tick := time.NewTicker(l.interval)
	defer tick.Stop()
	for {
		switch err := l.probe(ctx); {
		case err == nil || isFull(err) || restartCannotHelp(err):
			l.last.Store(&probeResult{lastResponse: time.Now()})
		default:
			l.last.Store(&probeResult{l.last.Load().lastResponse, err})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *listenerProbe) probe(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		return errFull
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		return errors.New("the answer is " + resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

var errFull = errors.New("the connection limit is reached")

// isFull reports whether the listener refused the request because it has too many connections. Such a refusal is an answer. Over TLS it is
// an alert.
func isFull(err error) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	return errors.Is(err, errFull) || ok && alert.Op == "remote error"
}

// restartCannotHelp reports whether a request failed for a reason that a restart would not remove: this machine has lost the address, or
// viewers have used up the file descriptors. A restart would only disconnect all viewers.
func restartCannotHelp(err error) bool {
	for _, e := range []error{syscall.EADDRNOTAVAIL, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return filesExhausted()
}

// spareFiles is how many free file descriptors still count as none: the request itself uses this many.
const spareFiles = 4

// filesExhausted reports whether the process has reached its limit of open files.
func filesExhausted() bool {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return false
	}
	open, err := os.ReadDir("/proc/self/fd")
	return errors.Is(err, syscall.EMFILE) || err == nil && uint64(len(open)+spareFiles) > limit.Cur
}

// Alive returns nil if a request has been answered since then.
func (l *listenerProbe) Alive(since time.Time) error {
	v := l.last.Load()
	if !v.lastResponse.Before(since) {
		return nil
	}
	if v.err == nil {
		return fmt.Errorf("listener: a request has been waiting since %s", v.lastResponse.Format(time.TimeOnly))
	}
	return fmt.Errorf("listener: no request answered since %s: %w", v.lastResponse.Format(time.TimeOnly), v.err)
}
