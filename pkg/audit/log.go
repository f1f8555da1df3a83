package audit

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Event says what happened. It is the message of a line.
type Event string

// The events. docs/audit.md lists the fields of each.
const (
	ViewBegin    Event = "view.begin"
	ViewEnd      Event = "view.end"
	ViewSnapshot Event = "view.snapshot"
	Login        Event = "login.ok"
	LoginFailed  Event = "login.failed"
	Logout       Event = "logout"
	LinkCreated  Event = "link.created"
	LinkRefused  Event = "link.refused"
	LinksRevoked Event = "link.revoked"
	Refused      Event = "access.refused"
	Switched     Event = "camera.switched"
	Adjusted     Event = "camera.adjusted"
	Reloaded     Event = "config.reloaded"
	NotReloaded  Event = "config.refused"
	Started      Event = "daemon.started"
	Stopped      Event = "daemon.stopped"
)

// Actor is who did something.
type Actor struct {
	Name    string // anna, token prometheus, link, anonymous; empty for camd itself
	Via     string // the kind of credentials: password, token, session, link, proxy, anonymous; or mqtt, signal
	Address string // of the client, without a port; empty if there is none
}

// Stream names a camera, its rendition and the transport.
type Stream struct{ Camera, Rendition, Transport string }

func (s Stream) fields() []zap.Field {
	return []zap.Field{zap.String("camera", s.Camera), zap.String("rendition", s.Rendition), zap.String("transport", s.Transport)}
}

// Log writes the audit log. Its methods are safe for concurrent use.
type Log struct {
	log       *zap.Logger
	addresses atomic.Value // Addresses

	mu        sync.Mutex
	snapshots map[snapshotKey]*snapshotCount
}

// New returns an audit log that writes to log. If log is nil, nothing is written.
func New(log *zap.Logger) *Log {
	if log == nil {
		log = zap.NewNop()
	}
	t := &Log{log: log, snapshots: map[snapshotKey]*snapshotCount{}}
	t.SetAddresses(Full)
	return t
}

// SetAddresses sets how much of an address is written from now on.
func (l *Log) SetAddresses(a Addresses) { l.addresses.Store(a) }

// isEnabled reports whether anything is written at all.
func (l *Log) isEnabled() bool { return l.log.Core().Enabled(zap.InfoLevel) }

// Record writes an event, its actor and further fields.
func (l *Log) Record(e Event, actor Actor, fields ...zap.Field) {
	if !l.isEnabled() {
		return
	}
	l.log.Info(string(e), append(l.actorFields(actor), fields...)...)
}

// actorFields returns the fields of an actor. The address is redacted.
func (l *Log) actorFields(p Actor) []zap.Field {
	fields := make([]zap.Field, 0, 12)
	if p.Name != "" {
		fields = append(fields, zap.String("requester", p.Name))
	}
	if p.Via != "" {
		fields = append(fields, zap.String("via", p.Via))
	}
	if a := l.addresses.Load().(Addresses).redact(p.Address); a != "" {
		fields = append(fields, zap.String("address", a))
	}
	return fields
}

// ViewStarted records the start of a view. agent is the client's User-Agent.
func (l *Log) ViewStarted(actor Actor, stream Stream, agent string) {
	if l.isEnabled() {
		l.Record(ViewBegin, actor, append(stream.fields(), zap.String("agent", agent))...)
	}
}

// ViewStats describe a finished view.
type ViewStats struct {
	Since                  time.Time // when it started
	Frames, Dropped, Bytes uint64
	Reason                 string // why it ended: left, or why camd ended it
}

// ViewEnded records the end of a view.
func (l *Log) ViewEnded(actor Actor, stream Stream, stats ViewStats) {
	if l.isEnabled() {
		l.Record(ViewEnd, actor, append(stream.fields(), zap.Time("since", stats.Since), zap.Float64("seconds", seconds(time.Since(stats.Since))),
			zap.Uint64("frames", stats.Frames), zap.Uint64("dropped", stats.Dropped), zap.Uint64("bytes", stats.Bytes), zap.String("reason", stats.Reason))...)
	}
}

// seconds returns a duration in seconds, rounded to milliseconds.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
