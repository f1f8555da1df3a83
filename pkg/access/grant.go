package access

import "time"

// Kind is what a grant is founded on.
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

// Grant is what a request may do. The zero Grant may nothing.
type Grant struct {
	Identity  string    // for logs: "anna", "token prometheus", "link", "anonymous"
	Kind      Kind      // what it is founded on
	ExpiresAt time.Time // when it ends; zero if by no clock

	permission  Permission
	limit       *Permission // if there is one, it must allow it, too: see Gate.Within
	name        string      // of the user or token
	fingerprint [32]byte    // of the password's hash, the token or the key that it is founded on
	session     secretHash  // BySession
}

// Allows reports whether the holder may do at a camera what the role is for. An empty name stands for all cameras together, such
// as /metrics shows them: who has the role at some of them only may not.
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

// CanSee reports whether the holder may know of a camera. For who may not, it should be as if it were not there.
func (g Grant) CanSee(camera string) bool { return camera != "" && g.Allows(View, camera) }

// HasRole reports whether the holder has the role at any camera at all.
func (g Grant) HasRole(r Role) bool {
	return g.permission.Role.Includes(r) && (g.limit == nil || g.limit.Role.Includes(r))
}
