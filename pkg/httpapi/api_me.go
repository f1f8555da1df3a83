package httpapi

import (
	"net/http"
	"time"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
)

// meJSON is the requester as the API shows it.
type meJSON struct {
	Name  string      `json:"name"`
	Kind  access.Kind `json:"kind"`
	Role  access.Role `json:"role"` // the role at every visible camera
	Until *time.Time  `json:"until"`
	Links bool        `json:"links"` // links can be made
	Login bool        `json:"login"` // users can log in
}

func (s *Server) showMe(w http.ResponseWriter, r *http.Request) {
	auth, requester := s.config.Load().Auth, request.RequesterOf(r)
	request.WriteJSON(w, http.StatusOK, meJSON{requester.Identity, requester.Kind, highestRole(requester.Grant), jsonTime(requester.ExpiresAt), auth.HasLinks(), auth.HasLogin()})
}

// highestRole returns the highest role of a grant.
func highestRole(g access.Grant) access.Role {
	for _, role := range []access.Role{access.Admin, access.Control, access.View, access.Metrics} {
		if g.HasRole(role) {
			return role
		}
	}
	return publicRole
}
