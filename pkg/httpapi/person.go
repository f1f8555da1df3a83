package httpapi

import (
	"cmp"
	"net/http"

	"camd/pkg/access"
	"camd/pkg/audit"
)

// personOf is who a request comes from that has been admitted, for the audit log.
func personOf(r *http.Request) audit.Person {
	me := visitorOf(r)
	return person(me.Grant, me.client)
}

func person(g access.Grant, from access.Client) audit.Person {
	return audit.Person{Who: g.Who, Via: string(g.Kind), Address: from.String()}
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
