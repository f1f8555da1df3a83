package audit

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// snapshotPeriod is how often an actor's snapshots of one stream are recorded.
const snapshotPeriod = time.Minute

// maxSnapshotKeys bounds the keys that are kept. Snapshots beyond it are recorded at once.
const maxSnapshotKeys = 4096

// snapshotKey identifies one actor's snapshots of one stream.
type snapshotKey struct {
	actor  Actor
	stream Stream
}

// snapshotCount counts the snapshots of one key that are not recorded yet.
type snapshotCount struct {
	since         time.Time // when the period began: at the first snapshot, or at the last one of the period before
	last          time.Time // when the newest was taken
	frames, bytes uint64
}

// SnapshotTaken records a snapshot and its size in bytes. An actor's first snapshot of a stream is written at once. Further ones
// are counted, and written by Run once a minute.
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

// Run writes the counted snapshots of each key once a minute, and all of them when ctx ends.
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

// flush writes the snapshots of periods that began at or before a time. It removes keys that have had none since then.
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
