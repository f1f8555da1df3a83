package access

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Role is a set of actions that a permission allows.
type Role string

// The roles. Control includes view, and admin includes all others.
const (
	View    Role = "view"    // see pictures and state
	Control Role = "control" // also turn cameras off and on, set their controls and share them by links
	Admin   Role = "admin"   // everything, including who is watching from where
	Metrics Role = "metrics" // read /metrics, and nothing else
)

// Roles lists all roles, in the order in which to show them.
var Roles = []Role{View, Control, Admin, Metrics}

// Includes reports whether the role allows everything that other allows. The empty role includes nothing, and no role includes it.
func (r Role) Includes(other Role) bool {
	switch r {
	case Admin:
		return slices.Contains(Roles, other)
	case Control:
		return other == View || other == Control
	case View, Metrics:
		return other == r
	}
	return false
}

// Scope selects cameras by patterns of path.Match: yard, front-*. An empty Scope selects all cameras.
type Scope []string

// CheckPattern returns what is wrong with a pattern of a Scope, or nil.
func CheckPattern(p string) error {
	if _, err := path.Match(p, ""); err != nil || p == "" {
		return fmt.Errorf("must be a camera's id, or a pattern such as front-*")
	}
	return nil
}

// Has reports whether a camera is in the scope.
func (s Scope) Has(camera string) bool {
	return len(s) == 0 || slices.ContainsFunc(s, func(p string) bool {
		ok, err := path.Match(p, camera)
		return ok && err == nil
	})
}

// Permission is a role at some or all cameras. The zero Permission allows nothing.
type Permission struct {
	Role    Role
	Cameras Scope
}

// IsSubsetOf reports whether other allows everything that a allows, at all cameras that can exist. It returns false if it cannot
// tell, as for two different patterns.
func (a Permission) IsSubsetOf(other Permission) bool {
	if a.Role == "" {
		return true
	}
	if !other.Role.Includes(a.Role) {
		return false
	}
	if len(other.Cameras) == 0 || len(a.Cameras) == 0 {
		return len(other.Cameras) == 0
	}
	return !slices.ContainsFunc(a.Cameras, func(p string) bool {
		isID := !strings.ContainsAny(p, `*?[\`)
		return !slices.Contains(other.Cameras, p) && !(isID && other.Cameras.Has(p))
	})
}
