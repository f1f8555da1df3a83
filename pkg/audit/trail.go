package audit

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Event is what happened; it is the message of its line.
type Event string

// The events. docs/audit.md says what each has beside who did it.
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

// Person is who did something.
type Person struct {
	Who     string // anna, token prometheus, link, anonymous; what camd itself does has none
	Via     string // by what that is known: password, token, session, link, proxy, anonymous; or mqtt, signal
	Address string // of their machine, without a port; empty if there is none
}

// Seen is a picture of a camera, or many.
type Seen struct{ Camera, Rendition, Transport string }

func (s Seen) fields() []zap.Field {
	return []zap.Field{zap.String("camera", s.Camera), zap.String("rendition", s.Rendition), zap.String("transport", s.Transport)}
}

// Trail writes the audit log. Its methods are safe for concurrent use.
type Trail struct {
	log       *zap.Logger
	addresses atomic.Value // Addresses

	mu      sync.Mutex
	glances map[glance]*glances
}

// New returns a trail that writes to log; nil means that nothing is.
func New(log *zap.Logger) *Trail {
	if log == nil {
		log = zap.NewNop()
	}
	t := &Trail{log: log, glances: map[glance]*glances{}}
	t.Show(Full)
	return t
}

// Show sets how much of an address is written from now on.
func (t *Trail) Show(a Addresses) { t.addresses.Store(a) }

// on reports whether anything is written at all.
func (t *Trail) on() bool { return t.log.Core().Enabled(zap.InfoLevel) }

// Note writes an event and what belongs to it.
func (t *Trail) Note(e Event, by Person, fields ...zap.Field) {
	if !t.on() {
		return
	}
	t.log.Info(string(e), append(t.person(by), fields...)...)
}

// person is who did it, as far as it may be written.
func (t *Trail) person(p Person) []zap.Field {
	fields := make([]zap.Field, 0, 12)
	if p.Who != "" {
		fields = append(fields, zap.String("who", p.Who))
	}
	if p.Via != "" {
		fields = append(fields, zap.String("via", p.Via))
	}
	if a := t.addresses.Load().(Addresses).of(p.Address); a != "" {
		fields = append(fields, zap.String("address", a))
	}
	return fields
}

// Began writes that somebody has begun to watch; agent is what their program calls itself.
func (t *Trail) Began(by Person, what Seen, agent string) {
	if t.on() {
		t.Note(ViewBegin, by, append(what.fields(), zap.String("agent", agent))...)
	}
}

// View is somebody's watching, from its beginning to its end.
type View struct {
	Since                  time.Time
	Frames, Dropped, Bytes uint64
	Reason                 string // why it ended: left, or what they were cut for
}

// Ended writes how it was.
func (t *Trail) Ended(by Person, what Seen, v View) {
	if t.on() {
		t.Note(ViewEnd, by, append(what.fields(), zap.Time("since", v.Since), zap.Float64("seconds", seconds(time.Since(v.Since))),
			zap.Uint64("frames", v.Frames), zap.Uint64("dropped", v.Dropped), zap.Uint64("bytes", v.Bytes), zap.String("reason", v.Reason))...)
	}
}

// seconds is a time to the millisecond.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
