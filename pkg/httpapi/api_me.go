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
	Role  access.Role `json:"role"` // at every camera that is shown
	Until *time.Time  `json:"until"`
	Links bool        `json:"links"` // whether links can be made here
	Login bool        `json:"login"` // whether somebody can log in here
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
