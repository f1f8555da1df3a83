package audit

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// A person's snapshots of one camera are written once in so long.
const glancePeriod = time.Minute

// mostGlances bounds who is kept in mind; what is beyond is written at once.
const mostGlances = 4096

// glance is who looks at what.
type glance struct {
	by   Person
	what Seen
}

// glances are those that have not been written yet.
type glances struct {
	since         time.Time // when the first of these came, or the last were written
	last          time.Time
	frames, bytes uint64
}

// Glance notes a snapshot of so many bytes. A person's first is written at once; who goes on is written once a minute.
func (t *Trail) Glance(by Person, what Seen, bytes uint64) {
	if !t.on() {
		return
	}
	now := time.Now()
	key := glance{by, what}
	t.mu.Lock()
	g := t.glances[key]
	if g != nil {
		g.frames++
		g.bytes += bytes
		g.last = now
		t.mu.Unlock()
		return
	}
	if len(t.glances) < mostGlances {
		t.glances[key] = &glances{since: now, last: now}
	}
	t.mu.Unlock()
	t.glanced(key, glances{since: now, last: now, frames: 1, bytes: bytes})
}

func (t *Trail) glanced(of glance, g glances) {
	t.Note(ViewSnapshot, of.by, append(of.what.fields(), zap.Time("since", g.since), zap.Float64("seconds", seconds(g.last.Sub(g.since))),
		zap.Uint64("frames", g.frames), zap.Uint64("bytes", g.bytes))...)
}

// Run writes snapshots that have not been written yet, once in a while, and all of them when ctx ends.
func (t *Trail) Run(ctx context.Context) {
	every := time.NewTicker(glancePeriod / 6)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			t.sweep(time.Now().Add(-glancePeriod))
		case <-ctx.Done():
			t.sweep(time.Now())
			return
		}
	}
}

// sweep writes what began by then, and forgets who has not looked since.
func (t *Trail) sweep(by time.Time) {
	due := map[glance]glances{}
	t.mu.Lock()
	for key, g := range t.glances {
		switch {
		case g.since.After(by):
		case g.frames == 0:
			delete(t.glances, key)
		default:
			due[key] = *g
			*g = glances{since: g.last, last: g.last}
		}
	}
	t.mu.Unlock()
	for key, g := range due {
		t.glanced(key, g)
	}
}
