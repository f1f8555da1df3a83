package httpapi

import (
	"cmp"
	"net/http"

	"camd/pkg/access"
	"camd/pkg/audit"
)

// actorOf returns who sent an admitted request, for the audit log.
func actorOf(r *http.Request) audit.Actor {
	requester := requesterOf(r)
	return newActor(requester.Grant, requester.client)
}

func newActor(g access.Grant, from access.Client) audit.Actor {
	return audit.Actor{Name: g.Identity, Via: string(g.Kind), Address: from.String()}
}

// auditStream is the key as the audit log has it.
func (s streamKey) auditStream() audit.Stream {
	return audit.Stream{Camera: s.camera, Rendition: s.rendition, Transport: s.transport}
}

// logViewStart logs that a viewer joined.
func (s *Server) logViewStart(viewer *viewer) {
	s.audit.ViewStarted(viewer.actor, viewer.auditStream(), viewer.userAgent)
}

// logViewEnd logs what a viewer got; cut is why it was cut, empty if it left by itself.
func (s *Server) logViewEnd(viewer *viewer, cut string) {
	t := viewer.deliveryCounts()
	s.audit.ViewEnded(viewer.actor, viewer.auditStream(), audit.ViewStats{
		Since: viewer.Since, Frames: t.sent, Dropped: t.slow + t.rate + t.overLimit, Bytes: t.bytes, Reason: cmp.Or(cut, "left"),
	})
}
