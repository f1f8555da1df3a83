package viewers

import "camd/pkg/broker"

// replacedReason is the reason in the audit log for the end of a view that goes on with another track.
const replacedReason = "track"

// Replace lets next take the place of a viewer that has been added: the same client goes on with another stream of the camera, from a
// topic. No limit refuses next, because the number of viewers stays the same at every moment. next gets the ID of old. It has lost access
// if old has, or as soon as old does.
func (r *Registry) Replace(old, next *Viewer, topic *broker.Topic) {
	next.ID, next.accessRevoked = old.ID, old.accessRevoked
	r.mu.Lock()
	r.insert(next) // before delete: Wait must not see that nobody is left
	r.delete(old)
	r.mu.Unlock()
	r.end(old, replacedReason)
	r.begin(next, topic)
}
