package bus

import (
	"time"

	"go.uber.org/zap"
)

// retentionOf returns how long a silent instance without a successor is kept: as long as it was heard, at least ten minutes and at
// most a day.
func retentionOf(seen time.Duration) time.Duration {
	return min(max(seen, 10*time.Minute), 24*time.Hour)
}

// remoteSite is what a relay knows of another site. relay.mu guards it.
type remoteSite struct {
	name             string
	relay            *relay
	firstSeen        time.Time // when its first announcement came
	lastSeen         time.Time // when its last announcement came
	wasAlive         bool      // at the last refresh
	unknownInstances quota     // of announcements of unknown instances
	instances        map[string]*siteInstance
	announced        int // cameras of all instances
	cameras          map[string]*Camera
	order            []string // of cameras, as their instances have them
	lastRequest      time.Time
	lastInterest     time.Time
	hasInterest      bool // the last interest was not empty
}

// siteInstance is one camd at a site.
type siteInstance struct {
	*publisher
	id, host    string
	lastSeen    time.Time
	leaving     bool // it announced that it ends
	wasAlive    bool // at the last refresh
	revision    uint64
	complete    bool // cameras is the list of this revision
	partial     bool // not all cameras of the revision fit
	cameras     []cameraInfo
	since       map[string]time.Time // since when it has had each camera
	clockOffset clockOffset
}

// handleAnnouncement processes an instance's announcement. known is false if it is the instance's first. incomplete is true if a
// complete announcement must be requested.
func (r *remoteSite) handleAnnouncement(w announcement, now time.Time) (known, incomplete bool) {
	b, known := r.instances[w.Instance]
	if !known {
		if w.Leaving {
			return true, false
		}
		if len(r.instances) >= maxInstances && !r.evictInstance(now) {
			r.relay.refuse(TooManyInstances)
			return true, false
		}
		b = &siteInstance{publisher: r.relay.announcementLimits.newPublisher(now), id: w.Instance, host: w.Host}
		r.instances[w.Instance] = b
	}
	b.lastSeen, b.leaving = now, w.Leaving
	b.clockOffset.addSample(w.SentAt, now)
	if w.Complete {
		r.setCameras(b, w, now)
	}
	return known, !w.Leaving && (!b.complete || b.revision != w.Revision || b.partial && r.hasRoom())
}

// hasRoom reports whether another camera fits.
func (r *remoteSite) hasRoom() bool {
	return r.announced < maxCamerasPerSite && r.relay.cameras < r.relay.siteLimits.Cameras
}

// setCameras replaces an instance's cameras with those of a complete announcement that fit into the limits.
func (r *remoteSite) setCameras(b *siteInstance, w announcement, now time.Time) {
	cameras := r.relay.fitCameras(r, b, w.Cameras, now)
	if b.partial = len(cameras) < len(w.Cameras); b.partial {
		r.relay.refuse(TooManyCameras)
	}
	believed := !b.complete && b.firstSeen.Sub(r.firstSeen) <= silenceTimeout
	before := b.since
	r.relay.countCameras(r, b, len(cameras))
	b.revision, b.complete, b.cameras, b.since = w.Revision, true, cameras, make(map[string]time.Time, len(cameras))
	unproven := false
	for _, c := range cameras {
		since, proven := heldSince(c, before, believed, now)
		b.since[c.ID] = since
		unproven = unproven || !proven && r.isOwnedByOther(c.ID, b, now)
	}
	if unproven {
		r.relay.refuse(UnprovenClaim)
	}
	r.assignCameras(now)
}

// evictInstance removes a silent instance, and reports whether there was one. Of several, it removes the one that was heard for
// the shortest time. A camd in a container has another host name at each start, and so no successor.
func (r *remoteSite) evictInstance(now time.Time) bool {
	var shortestSeen *siteInstance
	for _, b := range r.instances {
		if !r.isInstanceAlive(b, now) && (shortestSeen == nil || b.lastSeen.Sub(b.firstSeen) < shortestSeen.lastSeen.Sub(shortestSeen.firstSeen)) {
			shortestSeen = b
		}
	}
	if shortestSeen == nil {
		return false
	}
	r.removeInstance(shortestSeen)
	r.assignCameras(now)
	return true
}

func (r *remoteSite) removeInstance(b *siteInstance) {
	delete(r.instances, b.id)
	r.relay.countCameras(r, b, 0)
}

// isInstanceAlive reports whether an instance was heard within silenceTimeout, or within a shorter time if it has a successor.
func (r *remoteSite) isInstanceAlive(b *siteInstance, now time.Time) bool {
	silence := now.Sub(b.lastSeen)
	if b.leaving || silence > silenceTimeout {
		return false
	}
	return silence <= announcementInterval+announcementInterval/4 || !r.hasSuccessor(b)
}

// hasSuccessor reports whether a newer instance on the same host replaces b: camd was restarted.
func (r *remoteSite) hasSuccessor(b *siteInstance) bool {
	for _, o := range r.instances {
		if o != b && o.host == b.host && o.host != "" && o.complete && !o.leaving && o.lastSeen.After(b.lastSeen) {
			return true
		}
	}
	return false
}

func (r *remoteSite) isAlive(now time.Time) bool {
	for _, b := range r.instances {
		if r.isInstanceAlive(b, now) {
			return true
		}
	}
	return false
}

// refresh removes instances that have been silent for too long. It assigns the cameras again when an instance has become silent or
// is heard again.
func (r *remoteSite) refresh(now time.Time) {
	changed := false
	for _, b := range r.instances {
		living := r.isInstanceAlive(b, now)
		changed = changed || living != b.wasAlive
		b.wasAlive = living
		if !living && (r.hasSuccessor(b) || now.Sub(b.lastSeen) > retentionOf(b.lastSeen.Sub(b.firstSeen))) {
			r.removeInstance(b)
			changed = true // cameras that only this instance had end
		}
	}
	if changed {
		r.assignCameras(now)
	}
	if alive := r.isAlive(now); alive != r.wasAlive {
		r.wasAlive = alive
		r.logAlive(alive)
	}
}

// logAlive logs that the site is heard again, or has become silent. There is one line for a site, because the states of its
// cameras are logged only while they are watched here.
func (r *remoteSite) logAlive(alive bool) {
	if alive {
		r.relay.log.Info("site heard", zap.String("site", r.name), zap.Int("cameras", len(r.cameras)))
		return
	}
	r.relay.log.Warn("site silent", zap.String("site", r.name), zap.Int("cameras", len(r.cameras)), zap.Time("heard", r.lastSeen))
}

// silentReason returns why a camera's instance cannot be reached; empty if it can be.
func (r *remoteSite) silentReason(c *Camera, now time.Time) string {
	b := r.instances[c.instance]
	switch {
	case b == nil || r.isInstanceAlive(b, now):
		return ""
	case b.leaving:
		return "camd at site " + r.name + " has stopped"
	}
	return "site " + r.name + " has been silent since " + b.lastSeen.Format("15:04:05, 2 January")
}

// isWaiting reports whether viewers wait for a first picture of any of the site's cameras.
func (r *remoteSite) isWaiting() bool {
	for _, c := range r.cameras {
		if len(c.waiting()) > 0 {
			return true
		}
	}
	return false
}

// sendInterest sends the site this relay's interest. An empty one is sent once.
func (r *remoteSite) sendInterest(now time.Time) {
	w := interest{Watch: map[string][]string{}, Fresh: map[string][]string{}}
	for id, c := range r.cameras {
		if watched := c.watched(); len(watched) > 0 {
			w.Watch[id] = watched
		}
		if needs := c.waiting(); len(needs) > 0 {
			w.Fresh[id] = needs
		}
	}
	if len(w.Watch) > 0 || r.hasInterest {
		r.relay.sendInterest(r, w)
	}
	r.hasInterest, r.lastInterest = len(w.Watch) > 0, now
}
