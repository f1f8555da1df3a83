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

// Living is something that must make progress for the process to be of use.
type Living interface {
	// Alive returns nil if it has made progress since then, or has nothing to do; else an error that says who has not.
	Alive(since time.Time) error
}

// Guard feeds the watchdog, if the service manager keeps one, until ctx ends. It does so at half of the time that the
// watchdog allows, and only while everything has made progress within that half: all that is given, and whoever answers
// at url, an address of this process' own to which way leads. What has not is logged once, with all goroutines, and may yet go on; but when three
// quarters of the time have passed without progress the watchdog is told to bite at once. Without that it would bite the
// whole time after the last feeding, which may be half of it after something blocked.
func (s *Service) Guard(ctx context.Context, url string, way *http.Transport, all ...Living) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn("systemd watchdog not understood", zap.Error(err))
	}
	if err != nil || limit == 0 {
		return
	}
	d := newDoor(url, way, limit/6)
	var knocking sync.WaitGroup
	defer knocking.Wait()
	knocking.Go(func() { d.run(ctx) })
	g := guard{Service: s, limit: limit, all: append([]Living{d}, all...)}
	look := time.NewTicker(min(limit/6, time.Second))
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			g.look(now)
		}
	}
}

// guard is the state of one Guard.
type guard struct {
	*Service
	limit  time.Duration
	all    []Living
	fed    time.Time
	hungry bool // something blocks, and that has been said
}

func (g *guard) look(now time.Time) {
	err := g.ask(now.Add(-g.limit / 2))
	switch {
	case err == nil && g.hungry:
		g.hungry = false
		g.log.Warn("watchdog fed again")
		g.feed(now)
	case err == nil && now.Sub(g.fed) >= g.limit/2:
		g.feed(now)
	case err != nil && !g.hungry:
		g.hungry = true
		g.log.Error("watchdog not fed", zap.Error(err), zap.Duration("watchdog", g.limit), zap.String("goroutines", goroutines()),
			zap.String("remedy", "systemd restarts camd if this goes on; please report it with this line"))
	case err != nil && g.ask(now.Add(-g.limit*3/4)) != nil:
		g.tell("WATCHDOG=trigger")
	}
}

func (g *guard) feed(now time.Time) {
	g.fed = now
	g.tell(daemon.SdNotifyWatchdog)
}

// ask returns the first complaint.
func (g *guard) ask(since time.Time) error {
	for _, l := range g.all {
		if err := l.Alive(since); err != nil {
			return err
		}
	}
	return nil
}

// goroutines says where they all are, those at the same place together: a thousand viewers are one entry.
func goroutines() string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a buffer takes everything
	return b.String()
}
