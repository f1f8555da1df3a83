package bus

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/camera"
)

// announceChanges publishes an announcement if one is due, and removes expired interests. It is called every pollInterval.
func (l *localSite) announceChanges() {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A write that hangs also delays incoming messages. That time does not count as silence of relays.
	if delay := time.Since(l.lastRefresh); !l.lastRefresh.IsZero() && delay > 2*pollInterval {
		for _, w := range l.interests {
			w.until = w.until.Add(delay)
		}
	}
	defer func(start time.Time) { l.lastRefresh = start }(time.Now())
	l.resolveDuplicates()
	l.updateSenders()
	cameras := l.cameraInfos()
	if cameraInfosDiffer(l.announced, cameras) {
		l.revision++
		l.announced, l.announceComplete = cameras, true
	}
	if l.requested && time.Since(l.lastComplete) >= completeInterval {
		l.announceComplete = true
	}
	if l.announceComplete || time.Since(l.lastAnnounced) >= announcementInterval {
		l.announce(l.announceComplete, cameras)
	}
}

// announce publishes an announcement: a complete one with cameras, or a heartbeat.
func (l *localSite) announce(complete bool, cameras []cameraInfo) {
	w := announcement{Version: protocolVersion, Instance: l.instance, Host: l.host, CamdVersion: l.camdVersion, SentAt: time.Now(), Revision: l.revision, Complete: complete}
	if complete {
		w.Cameras = cameras
	}
	switch err := l.connection.publish(l.subjects.site(l.site), w); {
	case err == nil:
		l.lastAnnounced, l.announceComplete = time.Now(), false
		if complete {
			l.lastComplete, l.requested = l.lastAnnounced, false
		}
		if l.sizeError != nil {
			l.connection.clearProblem(l.sizeError)
			l.sizeError = nil
		}
	case errors.Is(err, nats.ErrMaxPayload):
		l.sizeError = fmt.Errorf("an announcement of %d cameras exceeds max_payload of the NATS server, raise it: %w", len(cameras), err)
		l.connection.reportProblem(l.sizeError)
	}
}

// cameraInfos returns what to announce of the cameras that this instance has.
func (l *localSite) cameraInfos() []cameraInfo {
	list := make([]cameraInfo, 0, len(l.order))
	for _, id := range l.order {
		if o := l.cameras[id]; o.owner == "" {
			list = append(list, o.info(id))
		}
	}
	return list
}

func (p *publishedCamera) info(id string) cameraInfo {
	s := p.camera.Status()
	t := cameraInfo{
		// s.Detail is left out: it may hold addresses and user names of this site, and others can read the bus.
		ID: id, Title: s.Title, State: s.State, Reason: s.Reason, Since: s.Since, Retry: s.NextRetry,
		HeldSeconds: time.Since(p.since).Seconds(), FPS: math.Round(s.Counts.FPS*10) / 10, Codec: s.Format.Codec,
		Width: s.Format.Width, Height: s.Format.Height, DeclaredFPS: s.Format.FPS,
	}
	for _, r := range p.camera.Renditions() {
		all := renditionInfo{Name: r}
		if at := slices.IndexFunc(s.Renditions, func(c camera.Rendition) bool { return c.Name == r }); at >= 0 {
			all.Width, all.FPS, all.Quality = s.Renditions[at].Width, s.Renditions[at].FPS, s.Renditions[at].Quality
		}
		t.Renditions = append(t.Renditions, all)
	}
	return t
}

// cameraInfosDiffer reports whether a new revision must be announced. Small changes of a frame rate do not count.
func cameraInfosDiffer(before, now []cameraInfo) bool {
	return !slices.EqualFunc(before, now, func(a, b cameraInfo) bool {
		if math.Abs(a.FPS-b.FPS) > max(1, 0.2*a.FPS) {
			return false
		}
		return a.ID == b.ID && a.Title == b.Title && a.State == b.State && a.Reason == b.Reason && a.Detail == b.Detail &&
			a.Since.Equal(b.Since) && a.Retry.Equal(b.Retry) && a.Codec == b.Codec && a.Width == b.Width && a.Height == b.Height &&
			a.DeclaredFPS == b.DeclaredFPS && slices.Equal(a.Renditions, b.Renditions)
	})
}

// completeInterval is the least time between two complete announcements that relays have requested.
const completeInterval = time.Second

// handleAnnounceRequest makes a complete announcement due. Many requests at once get one answer.
func (l *localSite) handleAnnounceRequest(*nats.Msg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requested = true
}
