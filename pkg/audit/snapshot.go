package audit

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// An actor's snapshots of one stream are recorded once in this time.
const snapshotPeriod = time.Minute

// maxSnapshotKeys bounds the keys that are remembered; snapshots beyond it are recorded at once.
const maxSnapshotKeys = 4096

// snapshotKey is one actor's snapshots of one stream.
type snapshotKey struct {
	actor  Actor
	stream Stream
}

// snapshotCount is the snapshots that are not recorded yet.
type snapshotCount struct {
	since         time.Time // when the first of these came, or the last were written
	last          time.Time
	frames, bytes uint64
}

// SnapshotTaken notes a snapshot of so many bytes. An actor's first is recorded at once, further ones once a minute.
func (l *Log) SnapshotTaken(actor Actor, stream Stream, bytes uint64) {
	if !l.isEnabled() {
		return
	}
	now := time.Now()
	key := snapshotKey{actor, stream}
	l.mu.Lock()
	g := l.snapshots[key]
	if g != nil {
		g.frames++
		g.bytes += bytes
		g.last = now
		l.mu.Unlock()
		return
	}
	if len(l.snapshots) < maxSnapshotKeys {
		l.snapshots[key] = &snapshotCount{since: now, last: now}
	}
	l.mu.Unlock()
	l.writeSnapshots(key, snapshotCount{since: now, last: now, frames: 1, bytes: bytes})
}

func (l *Log) writeSnapshots(key snapshotKey, count snapshotCount) {
	l.Record(ViewSnapshot, key.actor, append(key.stream.fields(), zap.Time("since", count.since), zap.Float64("seconds", seconds(count.last.Sub(count.since))),
		zap.Uint64("frames", count.frames), zap.Uint64("bytes", count.bytes))...)
}

// Run writes snapshots that have not been written yet, once in a while, and all of them when ctx ends.
func (l *Log) Run(ctx context.Context) {
	every := time.NewTicker(snapshotPeriod / 6)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			l.flush(time.Now().Add(-snapshotPeriod))
		case <-ctx.Done():
			l.flush(time.Now())
			return
		}
	}
}

// flush writes what began by then, and removes keys without snapshots since.
func (l *Log) flush(before time.Time) {
	due := map[snapshotKey]snapshotCount{}
	l.mu.Lock()
	for key, g := range l.snapshots {
		switch {
		case g.since.After(before):
		case g.frames == 0:
			delete(l.snapshots, key)
		default:
			due[key] = *g
			*g = snapshotCount{since: g.last, last: g.last}
		}
	}
	l.mu.Unlock()
	for key, g := range due {
		l.writeSnapshots(key, g)
	}
}
