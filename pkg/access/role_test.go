package access

import "testing"

func TestAllowanceWithin(t *testing.T) {
	all := func(r Role) Allowance { return Allowance{Role: r} }
	some := func(cameras ...string) Allowance { return Allowance{View, cameras} }
	for _, c := range []struct {
		name     string
		a, other Allowance
		want     bool
	}{
		{"nothing within nothing", Allowance{}, Allowance{}, true},
		{"nothing within a role", Allowance{}, all(View), true},
		{"a role within nothing", all(View), Allowance{}, false},
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
		{"a greater role at fewer cameras", Allowance{Admin, Scope{"yard"}}, some("yard", "gate"), false},
	} {
		if got := c.a.Within(c.other); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
