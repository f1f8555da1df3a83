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

// announceChanges announces what has changed, or that nothing has, and removes what has expired. It is called every pollInterval.
func (l *localSite) announceChanges() {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A write that hangs holds up what is heard, too: that time is nobody's silence.
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

// publish publishes an announcement.
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
		l.sizeError = fmt.Errorf("the list of %d cameras is larger than max_payload of the server: %w", len(cameras), err)
		l.connection.reportProblem(l.sizeError)
	}
}

// cameraInfos is what there is to tell of the cameras that this instance has.
func (l *localSite) cameraInfos() []cameraInfo {
	list := make([]cameraInfo, 0, len(l.order))
	for _, id := range l.order {
		if o := l.cameras[id]; o.owner == "" {
			list = append(list, o.info(id))
		}
	}
	return list
}

func (o *publishedCamera) info(id string) cameraInfo {
	s := o.camera.Status()
	t := cameraInfo{
		// Without s.Detail, which may have addresses and user names of this site: others can read the bus, and relays show what it says.
		ID: id, Title: s.Title, State: s.State, Reason: s.Reason, Since: s.Since, Retry: s.NextRetry,
		HeldSeconds: time.Since(o.since).Seconds(), FPS: math.Round(s.Counts.FPS*10) / 10, Codec: s.Format.Codec,
		Width: s.Format.Width, Height: s.Format.Height, DeclaredFPS: s.Format.FPS,
	}
	for _, r := range o.camera.Renditions() {
		all := renditionInfo{Name: r}
		if at := slices.IndexFunc(s.Renditions, func(c camera.Rendition) bool { return c.Name == r }); at >= 0 {
			all.Width, all.FPS, all.Quality = s.Renditions[at].Width, s.Renditions[at].FPS, s.Renditions[at].Quality
		}
		t.Renditions = append(t.Renditions, all)
	}
	return t
}

// cameraInfosDiffer reports whether there is news: a rate that is a little different is none.
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

// completeInterval is how long a site that is asked for all of its cameras waits before it answers the next time.
const completeInterval = time.Second

// handleAnnounceRequest makes one of the next looks tell of everything: many who ask at once get one answer.
func (l *localSite) handleAnnounceRequest(*nats.Msg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requested = true
}
