package bus

import (
	"slices"
	"time"
)

// admit decides whether an announcement is parsed, by what is known before. If not, it returns the cause. known is true if the
// instance is.
func (r *relay) admit(site, instance string, size int, now time.Time) (known bool, refused string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var of *publisher
	s := r.sites[site]
	if s != nil {
		if b := s.instances[instance]; b != nil {
			of = b.publisher
		} else if !s.unknownInstances.allows(now, size) {
			return false, TooFast
		}
	}
	switch {
	case !r.announcementLimits.allows(of, size, now):
		return false, TooFast
	case s == nil && len(r.sites) >= r.siteLimits.Sites && r.evictableSite(nil, now) == nil:
		return false, TooManySites
	}
	return of != nil, ""
}

// evictableSite returns the site that a new one may replace, or nil. Such a site is silent, nobody watches it, and it was heard for
// less than establishedAfter. Of several, the one that has been silent for longest is returned, and never the site except.
func (r *relay) evictableSite(except *remoteSite, now time.Time) (oldest *remoteSite) {
	for _, s := range r.sites {
		if s == except || s.hasInterest || s.lastSeen.Sub(s.firstSeen) >= establishedAfter || s.isAlive(now) {
			continue
		}
		if oldest == nil || s.lastSeen.Before(oldest.lastSeen) {
			oldest = s
		}
	}
	return oldest
}

// evictSite removes the evictable site, and reports whether there was one.
func (r *relay) evictSite(except *remoteSite, now time.Time) bool {
	s := r.evictableSite(except, now)
	if s == nil {
		return false
	}
	for _, b := range s.instances {
		s.removeInstance(b)
	}
	s.assignCameras(now)
	delete(r.sites, s.name)
	return true
}

// fitCameras returns the announced cameras of an instance that fit into the limits, in their order. Cameras that the instance had
// before take precedence over new ones.
func (r *relay) fitCameras(s *remoteSite, b *siteInstance, cameras []cameraInfo, now time.Time) []cameraInfo {
	others := r.cameras - len(b.cameras)
	for others+len(cameras) > r.siteLimits.Cameras && r.evictSite(s, now) {
		others = r.cameras - len(b.cameras)
	}
	room := min(r.siteLimits.Cameras-others, maxCamerasPerSite-(s.announced-len(b.cameras)))
	if len(cameras) <= room {
		return cameras
	}
	known := 0
	for _, c := range cameras {
		if _, has := b.since[c.ID]; has {
			known++
		}
	}
	fresh := room - known // how many new cameras fit
	return slices.DeleteFunc(cameras, func(c cameraInfo) bool {
		if _, has := b.since[c.ID]; has {
			return false
		}
		fresh--
		return fresh < 0
	})
}

// countCameras updates the totals for an instance whose number of cameras changes to cameras.
func (r *relay) countCameras(s *remoteSite, b *siteInstance, cameras int) {
	r.cameras += cameras - len(b.cameras)
	s.announced += cameras - len(b.cameras)
}
