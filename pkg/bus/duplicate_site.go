package bus

import (
	"time"

	"go.uber.org/zap"
)

// duplicateSite is another camd under the same site's name.
type duplicateSite struct {
	*publisher
	lastSeen time.Time
	revision uint64
	since    map[string]time.Time // from when on it has had each camera
}

// admits decides whether what another camd says under this site's name is read. If not, it returns the reason.
func (l *localSite) admits(instance string, size int, now time.Time) (known bool, refused string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var of *publisher
	if r := l.duplicateSites[instance]; r != nil {
		of = r.publisher
	}
	if !l.duplicateAdmission.allows(of, size, now) {
		return false, TooFast
	}
	return of != nil, ""
}

// handleDuplicate takes note of what another camd says under the same site's name. Two instances may share a site, but no camera: of two
// that have one, the one that has had it for longer keeps it.
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
		duplicate = &duplicateSite{publisher: l.duplicateAdmission.newPublisher(now)}
		l.duplicateSites[w.Instance] = duplicate
		l.requested = true // it is to know what there is here
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

// evictInstance removes a silent duplicate site, the one that was seen for the shortest time, and reports whether there was one.
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

func (r *duplicateSite) isSilent(now time.Time) bool { return now.Sub(r.lastSeen) > silenceTimeout }

// seenFor is how long it was seen.
func (r *duplicateSite) seenFor() time.Duration { return r.lastSeen.Sub(r.firstSeen) }

func (l *localSite) requestComplete() {
	if conn, _ := l.connection.ready(); conn != nil {
		_ = conn.Publish(l.subjects.announceRequest(l.site), nil) // its next heartbeat is another chance
	}
}

// close to each other, two claims are as old as each other, and the names of the instances decide.
const claimTolerance = time.Second

// resolveDuplicates decides of each camera whether it is this instance's.
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

// setOwner makes a camera another instance's, or this one's if instance is empty.
func (l *localSite) setOwner(id string, o *publishedCamera, instance string) {
	if (o.owner == "") == (instance == "") {
		o.owner = instance
		return
	}
	o.owner = instance
	if instance == "" {
		l.log.Info("camera offered", zap.String("camera", id))
		return
	}
	o.stop()
	l.log.Error("camera not offered: the site has another one of this name", zap.String("camera", id), zap.String("site", l.site),
		zap.String("instance", instance), zap.String("remedy", "give one of them another id, or one of the instances another site"))
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
