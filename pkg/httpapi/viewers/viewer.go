package viewers

import (
	"crypto/rand"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
)

// Key is the labels by which metrics count viewers.
type Key struct{ Camera, Rendition, Transport string }

// auditStream returns the stream as the audit log names it.
func (k Key) auditStream() audit.Stream {
	return audit.Stream{Camera: k.Camera, Rendition: k.Rendition, Transport: k.Transport}
}

// Totals counts what viewers got. Its values only grow.
type Totals struct {
	Sent, Bytes                                      uint64
	Late, Lapped, Resync, Withdrawn, Rate, OverLimit uint64 // frames that viewers did not get, by reason
}

// Dropped returns how many frames viewers did not get.
func (t Totals) Dropped() uint64 {
	return t.Late + t.Lapped + t.Resync + t.Withdrawn + t.Rate + t.OverLimit
}

// DroppedFor returns how many frames viewers did not get, for each reason.
func (t Totals) DroppedFor() map[string]uint64 {
	return map[string]uint64{
		DropLate: t.Late, DropLapped: t.Lapped, DropResync: t.Resync, DropWithdrawn: t.Withdrawn, DropRate: t.Rate, DropOverLimit: t.OverLimit,
	}
}

func (t *Totals) add(u Totals) {
	t.Sent += u.Sent
	t.Late += u.Late
	t.Lapped += u.Lapped
	t.Resync += u.Resync
	t.Withdrawn += u.Withdrawn
	t.Rate += u.Rate
	t.OverLimit += u.OverLimit
	t.Bytes += u.Bytes
}

// Viewer receives a stream. The goroutine that serves it writes its counters; any goroutine may read them.
type Viewer struct {
	Key
	fanout.Counts
	ID         string // identifies this viewer, and has no other meaning
	Remote     string // address and port
	UserAgent  string
	Throttled  bool   // it asked for fewer frames
	ClientKey  string // the key by which a client of ustreamer recognizes itself in /state; may be empty
	Grant      access.Grant
	Disconnect func() // disconnects it; set before it is added

	address       string // without the port
	actor         audit.Actor
	frameAge      prometheus.Observer // set when it is added
	accessRevoked *atomic.Bool        // shared with the viewers that it replaces: see Registry.Replace
}

// New returns a viewer for the stream that a request asks for. throttled says that it asked for fewer frames.
func New(key Key, r *http.Request, throttled bool) *Viewer {
	requester := request.RequesterOf(r)
	remote := requester.RemoteAddr(r)
	return &Viewer{
		Key: key, Grant: requester.Grant, Disconnect: func() {}, Counts: fanout.Counts{Since: time.Now()}, actor: requester.Actor(), ID: rand.Text(), Throttled: throttled,
		Remote: remote, address: request.WithoutPort(remote), UserAgent: request.SanitizeText(r.UserAgent()), accessRevoked: new(atomic.Bool),
	}
}

// Totals returns what the viewer has got so far.
func (v *Viewer) Totals() Totals {
	return Totals{
		Sent: v.Sent.Load(), Bytes: v.Bytes.Load(),
		Late: v.DroppedSlow.Load(), Lapped: v.DroppedLapped.Load(), Resync: v.DroppedResync.Load(), Withdrawn: v.DroppedWithdrawn.Load(),
		Rate: v.DroppedRate.Load(), OverLimit: v.DroppedOverLimit.Load(),
	}
}

// RecordSent counts a frame that the connection of the viewer has taken, and records how old it was. It is not for viewers of package
// fanout, which counts its own frames.
func (v *Viewer) RecordSent(f *broker.Frame) {
	now := time.Now()
	v.CountSent(f, now)
	if !f.Placeholder { // one may be hours old
		v.frameAge.Observe(now.Sub(f.Captured).Seconds())
	}
}

// RevokeAccess disconnects a viewer that has lost access.
func (v *Viewer) RevokeAccess() {
	if v.accessRevoked.CompareAndSwap(false, true) {
		v.Disconnect()
	}
}
