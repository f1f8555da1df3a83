package bus

import (
	"time"

	"go.uber.org/zap"
)

// duplicateSite is another instance under this site's name.
type duplicateSite struct {
	*publisher
	lastSeen time.Time
	revision uint64
	since    map[string]time.Time // since when it has had each camera
}

// admit decides whether an announcement of another instance of this site is parsed. If not, it returns the cause. known is true if
// the instance is.
func (l *localSite) admit(instance string, size int, now time.Time) (known bool, refused string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var of *publisher
	if r := l.duplicateSites[instance]; r != nil {
		of = r.publisher
	}
	if !l.duplicateLimits.allows(of, size, now) {
		return false, TooFast
	}
	return of != nil, ""
}

// handleDuplicate processes an announcement of another instance of this site. Two instances may share a site, but not a camera. If
// both have the same camera, the one that has had it for longer keeps it.
func (l *localSite) handleDuplicate(w announcement, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	duplicate := l.duplicateSites[w.Instance]
	switch {
	case w.Leaving:
		delete(l.duplicateSites, w.Instance)
		l.resolveDuplicates()
		return
	case duplicate == nil && len(l.duplicateSites) >= maxInstances && !l.evictDuplicateSite(now):
		l.refuse(TooManyInstances)
		return
	case duplicate == nil:
		duplicate = &duplicateSite{publisher: l.duplicateLimits.newPublisher(now)}
		l.duplicateSites[w.Instance] = duplicate
		l.requested = true // the new instance needs a complete announcement of this one
	}
	duplicate.lastSeen = now
	if !w.Complete {
		if w.Revision != duplicate.revision || duplicate.since == nil {
			l.requestComplete()
		}
		return
	}
	believed := duplicate.since == nil && duplicate.firstSeen.Sub(l.connectedAt) <= silenceTimeout
	before, unproven := duplicate.since, false
	duplicate.revision, duplicate.since = w.Revision, map[string]time.Time{}
	for _, c := range w.Cameras {
		since, proven := heldSince(c, before, believed, now)
		duplicate.since[c.ID] = since
		unproven = unproven || !proven && l.cameras[c.ID] != nil
	}
	if unproven {
		l.refuse(UnprovenClaim)
	}
	l.resolveDuplicates()
	l.updateSenders()
}

// evictDuplicateSite removes a silent duplicate site, and reports whether there was one. Of several, it removes the one that was
// seen for the shortest time.
func (l *localSite) evictDuplicateSite(now time.Time) bool {
	briefest := ""
	for instance, r := range l.duplicateSites {
		if r.isSilent(now) && (briefest == "" || r.seenFor() < l.duplicateSites[briefest].seenFor()) {
			briefest = instance
		}
	}
	delete(l.duplicateSites, briefest)
	return briefest != ""
}

func (d *duplicateSite) isSilent(now time.Time) bool { return now.Sub(d.lastSeen) > silenceTimeout }

// seenFor returns the time from its first to its last announcement.
func (d *duplicateSite) seenFor() time.Duration { return d.lastSeen.Sub(d.firstSeen) }

func (l *localSite) requestComplete() {
	if conn, _ := l.connection.ready(); conn != nil {
		_ = conn.Publish(l.subjects.announceRequest(l.site), nil) // the next heartbeat causes another request
	}
}

// claimTolerance is how close two claims count as equally old. Then the names of the instances decide.
const claimTolerance = time.Second

// resolveDuplicates decides for each camera whether this instance or another one has it. It removes duplicate sites that have been
// silent for too long.
func (l *localSite) resolveDuplicates() {
	now := time.Now()
	for instance, r := range l.duplicateSites {
		if now.Sub(r.lastSeen) > retentionOf(r.seenFor()) {
			delete(l.duplicateSites, instance)
		}
	}
	for id, o := range l.cameras {
		owner := ""
		for instance, r := range l.duplicateSites {
			if since, has := r.since[id]; has && !r.isSilent(now) && heldLonger(since, instance, o.since, l.instance) {
				owner = instance
			}
		}
		l.setOwner(id, o, owner)
	}
}

func heldLonger(a time.Time, instanceA string, b time.Time, instanceB string) bool {
	if d := a.Sub(b); d > claimTolerance || d < -claimTolerance {
		return d < 0
	}
	return instanceA < instanceB
}

// setOwner records which instance has a camera; empty is this one. If that is another one, the senders stop.
func (l *localSite) setOwner(id string, o *publishedCamera, instance string) {
	if (o.owner == "") == (instance == "") {
		o.owner = instance
		return
	}
	o.owner = instance
	if instance == "" {
		l.log.Info("camera published", zap.String("camera", id))
		return
	}
	o.stop()
	l.log.Error("duplicate camera not published", zap.String("camera", id), zap.String("site", l.site),
		zap.String("instance", instance), zap.String("remedy", "give one of the two cameras another id, or one of the two camds another site"))
}

// duplicateCameras lists the cameras that another instance has.
func (l *localSite) duplicateCameras() (list []string) {
	for _, id := range l.order {
		if l.cameras[id].owner != "" {
			list = append(list, id)
		}
	}
	return list
}
