package access

import "time"

// Kind is what a grant is founded on.
type Kind string

// The kinds.
const (
	ByToken   Kind = "token"
	ByBasic   Kind = "password"
	BySession Kind = "session"
	ByLink    Kind = "link"
	ByProxy   Kind = "proxy"
	ByNothing Kind = "anonymous"
)

// Grant is what a request may do. The zero Grant may nothing.
type Grant struct {
	Who   string    // for logs: "anna", "token prometheus", "link", "anonymous"
	Kind  Kind      // what it is founded on
	Until time.Time // when it ends; zero if by no clock

	allowance Allowance
	bound     *Allowance // if there is one, it must allow it, too: see Gate.Within
	name      string     // of the user or token
	print     [32]byte   // of the password's hash, the token or the key that it is founded on
	session   sum        // BySession
}

// May reports whether the holder may do at a camera what the role is for. An empty name stands for all cameras together, such
// as /metrics shows them: who has the role at some of them only may not.
func (g Grant) May(r Role, camera string) bool {
	return g.allowance.has(r, camera) && (g.bound == nil || g.bound.has(r, camera))
}

func (a Allowance) has(r Role, camera string) bool {
	if !a.Role.Includes(r) {
		return false
	}
	if camera == "" {
		return len(a.Cameras) == 0
	}
	return a.Cameras.Has(camera)
}

// Sees reports whether the holder may know of a camera. For who may not, it should be as if it were not there.
func (g Grant) Sees(camera string) bool { return camera != "" && g.May(View, camera) }

// Is reports whether the holder has the role at any camera at all.
func (g Grant) Is(r Role) bool {
	return g.allowance.Role.Includes(r) && (g.bound == nil || g.bound.Role.Includes(r))
}
