package httpapi

import (
	"cmp"
	"net/http"

	"camd/pkg/audit"
)

// personOf is who asks, for the audit log.
func (s *Server) personOf(r *http.Request) audit.Person {
	return audit.Person{Who: "anonymous", Via: "anonymous", Address: hostOf(r.RemoteAddr)}
}

// seen is the seat as the audit log has it.
func (s seat) seen() audit.Seen {
	return audit.Seen{Camera: s.camera, Rendition: s.rendition, Transport: s.transport}
}

// began writes that somebody watches.
func (s *Server) began(me *viewer) { s.audit.Began(me.by, me.seen(), me.agent) }

// ended writes how they watched; cut says why they were sent away, empty if they left by themselves.
func (s *Server) ended(me *viewer, cut string) {
	t := me.tally()
	s.audit.Ended(me.by, me.seen(), audit.View{
		Since: me.Since, Frames: t.sent, Dropped: t.slow + t.rate + t.over, Bytes: t.bytes, Reason: cmp.Or(cut, "left"),
	})
}
