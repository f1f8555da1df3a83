package access

import "testing"

func TestPermissionIsSubsetOf(t *testing.T) {
	all := func(r Role) Permission { return Permission{Role: r} }
	some := func(cameras ...string) Permission { return Permission{View, cameras} }
	for _, c := range []struct {
		name     string
		a, other Permission
		want     bool
	}{
		{"nothing within nothing", Permission{}, Permission{}, true},
		{"nothing within a role", Permission{}, all(View), true},
		{"a role within nothing", all(View), Permission{}, false},
		{"the same role", all(Control), all(Control), true},
		{"a lesser role", all(View), all(Admin), true},
		{"a greater role", all(Admin), all(Control), false},
		{"metrics within admin", all(Metrics), all(Admin), true},
		{"metrics within control", all(Metrics), all(Control), false},
		{"view within metrics", all(View), all(Metrics), false},
		{"some cameras within all", some("yard"), all(View), true},
		{"all cameras within some", all(View), some("yard"), false},
		{"all cameras within a pattern for all", all(View), some("*"), false},
		{"a camera of them", some("yard"), some("gate", "yard"), true},
		{"another camera", some("yard", "hall"), some("gate", "yard"), false},
		{"a camera of a pattern", some("front-door"), some("front-*"), true},
		{"the same pattern", some("front-*"), some("yard", "front-*"), true},
		{"a pattern that may be narrower", some("front-d*"), some("front-*"), false},
		{"a pattern within a camera", some("front-*"), some("front-door"), false},
		{"a greater role at fewer cameras", Permission{Admin, Scope{"yard"}}, some("yard", "gate"), false},
	} {
		if got := c.a.IsSubsetOf(c.other); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
