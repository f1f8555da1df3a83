package bus

import (
	"slices"
	"time"
)

// assignCameras assigns each camera to an instance that announces it. An instance that is alive is preferred, and of those the one
// that has had the camera for longest. The topics of cameras that no instance announces end.
func (r *remoteSite) assignCameras(now time.Time) {
	type claim struct {
		instance *siteInstance
		told     cameraInfo
	}
	owners := map[string]claim{}
	var order []string
	for _, b := range r.sortedInstances() {
		for _, t := range b.cameras {
			other, has := owners[t.ID]
			if !has {
				order = append(order, t.ID)
			}
			if !has || r.isPreferred(b, other.instance, t.ID, now) {
				owners[t.ID] = claim{b, t}
			}
		}
	}
	for id, c := range r.cameras {
		if _, has := owners[id]; !has {
			c.endTopics()
			delete(r.cameras, id)
			r.relay.listChanged = true
		}
	}
	for _, id := range order {
		c := r.cameras[id]
		if c == nil {
			c = newCamera(r, id)
			r.cameras[id] = c
			r.relay.listChanged = true
		}
		if c.update(owners[id].told, owners[id].instance) {
			r.relay.listChanged = true
		}
	}
	if !slices.Equal(order, r.order) {
		r.order, r.relay.listChanged = order, true
	}
}

// sortedInstances returns the instances in a stable order.
func (r *remoteSite) sortedInstances() []*siteInstance {
	list := make([]*siteInstance, 0, len(r.instances))
	for _, b := range r.instances {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *siteInstance) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return list
}

// isPreferred reports whether the camera id is assigned to a rather than to b.
func (r *remoteSite) isPreferred(a, b *siteInstance, id string, now time.Time) bool {
	aliveA, aliveB := r.isInstanceAlive(a, now), r.isInstanceAlive(b, now)
	switch {
	case aliveA != aliveB:
		return aliveA
	case !aliveA:
		return a.lastSeen.After(b.lastSeen)
	}
	return heldLonger(a.since[id], a.id, b.since[id], b.id)
}

// isOwnedByOther reports whether an instance other than b has a camera and is alive.
func (r *remoteSite) isOwnedByOther(id string, b *siteInstance, now time.Time) bool {
	c := r.cameras[id]
	if c == nil || c.instance == b.id {
		return false
	}
	owner := r.instances[c.instance]
	return owner != nil && r.isInstanceAlive(owner, now)
}

// heldSince returns since when an instance has had a camera. before holds the times of the instance's last complete announcement.
// believed is true if the instance may claim a time before it was first heard. Otherwise such a claim counts as of now, or a new
// instance could take over any camera. proven is false if the claim was cut for that reason.
func heldSince(c cameraInfo, before map[string]time.Time, believed bool, now time.Time) (since time.Time, proven bool) {
	// The announcement has a duration and not a time, because the clocks of two instances may differ.
	since = now.Add(-time.Duration(c.HeldSeconds * float64(time.Second)))
	known, exists := before[c.ID]
	switch {
	case exists && since.Before(known):
		return known, true
	case exists, believed:
		return since, true
	}
	return now, now.Sub(since) <= silenceTimeout
}
