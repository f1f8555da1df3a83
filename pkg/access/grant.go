package access

import "time"

// Kind is the kind of credentials that a grant is based on.
type Kind string

// The kinds.
const (
	ByToken     Kind = "token"
	ByPassword  Kind = "password"
	BySession   Kind = "session"
	ByLink      Kind = "link"
	ByProxy     Kind = "proxy"
	ByAnonymous Kind = "anonymous"
)

// Grant is what a request may do, and why. The zero Grant allows nothing.
type Grant struct {
	Identity  string    // for logs: "anna", "token prometheus", "link", "anonymous"
	Kind      Kind      // the credentials that it is based on
	ExpiresAt time.Time // zero if it does not expire

	permission  Permission
	limit       *Permission // if not nil, this must allow the same: see Authenticator.Intersect
	name        string      // of the user or token, or the camera of a link
	fingerprint [32]byte    // SHA-256 of the password's hash, the token or the link key
	session     secretHash  // key of the session; for BySession only
}

// Allows reports whether the grant includes a role at a camera. An empty camera means all cameras together, as /metrics shows
// them. A grant for only some cameras does not allow that.
func (g Grant) Allows(r Role, camera string) bool {
	return g.permission.allows(r, camera) && (g.limit == nil || g.limit.allows(r, camera))
}

func (a Permission) allows(r Role, camera string) bool {
	if !a.Role.Includes(r) {
		return false
	}
	if camera == "" {
		return len(a.Cameras) == 0
	}
	return a.Cameras.Has(camera)
}

// CanSee reports whether the grant allows viewing a camera. If it does not, treat the camera as nonexistent.
func (g Grant) CanSee(camera string) bool { return camera != "" && g.Allows(View, camera) }

// HasRole reports whether the grant includes the role at some or all cameras.
func (g Grant) HasRole(r Role) bool {
	return g.permission.Role.Includes(r) && (g.limit == nil || g.limit.Role.Includes(r))
}
