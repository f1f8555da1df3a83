package access

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Role is what somebody may do.
type Role string

// The roles. Each of the first three holds those before it; metrics is part of admin alone.
const (
	View    Role = "view"    // pictures and state
	Control Role = "control" // switch cameras off, set their controls, share them by links
	Admin   Role = "admin"   // all there is, with who is watching from where
	Metrics Role = "metrics" // /metrics alone
)

// Roles are all roles, as people should see them listed.
var Roles = []Role{View, Control, Admin, Metrics}

// Includes reports whether who has the role may do what other may. The empty role may nothing, and nothing includes it.
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

// Scope names cameras by patterns as path.Match has them: yard, front-*. An empty one is all cameras.
type Scope []string

// CheckPattern reports what is wrong with a pattern.
func CheckPattern(p string) error {
	if _, err := path.Match(p, ""); err != nil || p == "" {
		return fmt.Errorf("want a camera's id, or a pattern such as front-*")
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

// Permission is a role and where it holds. The zero Allowance is nothing.
type Permission struct {
	Role    Role
	Cameras Scope
}

// IsSubsetOf reports whether other allows everything that a does, at cameras that there are and at those that may come. In doubt, as
// with two different patterns, it does not.
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
