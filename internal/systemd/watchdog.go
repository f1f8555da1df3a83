package systemd

import (
	"bytes"
	"context"
	"net/http"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// LivenessChecker is a part of the process that must make progress.
type LivenessChecker interface {
	// Alive returns nil if it has made progress since then, or has nothing to do. Otherwise it returns an error that names the part.
	Alive(since time.Time) error
}

// RunWatchdog feeds the watchdog of the service manager until ctx ends. It does nothing if there is no watchdog.
//
// It feeds the watchdog every half of the watchdog's time, but only if every part has made progress within the last half. The parts are all,
// and the server at url, an address of this process. The requests to url use transport.
//
// If a part makes no progress, RunWatchdog logs that once, with all goroutines. The part may still recover. After three quarters of the time
// without progress, RunWatchdog triggers the watchdog at once. Without that, the watchdog would fire its whole time after it was last fed,
// which can be half of its time later.
func (s *Service) RunWatchdog(ctx context.Context, url string, transport *http.Transport, all ...LivenessChecker) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn("watchdog setting invalid", zap.Error(err))
	}
	if err != nil || limit == 0 {
		return
	}
	d := newListenerProbe(url, transport, limit/6)
	var probing sync.WaitGroup
	defer probing.Wait()
	probing.Go(func() { d.run(ctx) })
	g := watchdog{Service: s, limit: limit, all: append([]LivenessChecker{d}, all...)}
	ticker := time.NewTicker(min(limit/6, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			g.check(now)
		}
	}
}

// watchdog is the state of one RunWatchdog.
type watchdog struct {
	*Service
	limit   time.Duration
	all     []LivenessChecker
	lastFed time.Time
	stalled bool // a part makes no progress, and that has been logged
}

func (w *watchdog) check(now time.Time) {
	err := w.checkAll(now.Add(-w.limit / 2))
	switch {
	case err == nil && w.stalled:
		w.stalled = false
		w.log.Warn("watchdog fed again")
		w.feed(now)
	case err == nil && now.Sub(w.lastFed) >= w.limit/2:
		w.feed(now)
	case err != nil && !w.stalled:
		w.stalled = true
		w.log.Error("watchdog not fed", zap.Error(err), zap.Duration("watchdog", w.limit), zap.String("goroutines", goroutineDump()),
			zap.String("remedy", "if this continues, systemd restarts camd; please report it with this line"))
	case err != nil && w.checkAll(now.Add(-w.limit*3/4)) != nil:
		w.notify("WATCHDOG=trigger")
	}
}

func (w *watchdog) feed(now time.Time) {
	w.lastFed = now
	w.notify(daemon.SdNotifyWatchdog)
}

// checkAll returns the first error.
func (w *watchdog) checkAll(since time.Time) error {
	for _, l := range w.all {
		if err := l.Alive(since); err != nil {
			return err
		}
	}
	return nil
}

// goroutineDump returns the stacks of all goroutines. Goroutines with the same stack are one entry, so a thousand viewers add little.
func goroutineDump() string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // writing to a buffer cannot fail
	return b.String()
}
