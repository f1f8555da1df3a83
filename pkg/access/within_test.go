package access

import (
	"errors"
	"testing"
)

// A gate within another allows what both allow, to a request and to a viewer who is already there.
func TestGateWithinAnotherAllowsWhatBothAllow(t *testing.T) {
	token := NewToken()
	before := house(token)
	before.Anonymous = Allowance{View, Scope{"street", "gate"}}
	now := house(token)
	now.Anonymous = Allowance{Control, Scope{"gate", "yard"}}
	now.Users = []User{
		{"guest", cheap(), Allowance{Admin, nil}},                  // has more rights now
		{"phil", hashing("hunter3", 64), Allowance{Role: Control}}, // has a password now
		{"zoe", cheap(), Allowance{Role: View}},                    // is new
	}
	gate := New(now).Within(New(before))
	if g, err := gate.Identify(request()); err != nil || !g.Sees("gate") || g.Sees("street") || g.Sees("yard") || g.Is(Control) || g.May(View, "") {
		t.Errorf("anonymous: %+v, %v", g, err)
	}
	if g, err := gate.Identify(request(basic("guest", "hunter2"))); err != nil || !g.Sees("yard") || g.Sees("hall") || g.Is(Control) || g.May(View, "") {
		t.Errorf("a user with more rights: %+v, %v", g, err)
	}
	if _, err := gate.Identify(request(basic("anna", "hunter2"))); !errors.Is(err, ErrWrong) {
		t.Errorf("a removed user: %v", err)
	}
	for _, r := range []struct{ user, password string }{{"phil", "hunter3"}, {"zoe", "hunter2"}} {
		if g, err := gate.Identify(request(basic(r.user, r.password))); !errors.Is(err, ErrNone) || g.Is(View) {
			t.Errorf("%s, whom the rules before do not know: %+v, %v", r.user, g, err)
		}
	}
	if g, err := gate.Identify(request(bearer(token))); err != nil || !g.May(Metrics, "") {
		t.Errorf("a token of both: %+v, %v", g, err)
	}

	viewing, err := New(before).Identify(request())
	if err != nil {
		t.Fatal(err)
	}
	renewed, ok := gate.Renew(viewing)
	if !ok || !renewed.Sees("gate") || renewed.Sees("street") || renewed.Sees("yard") {
		t.Errorf("an anonymous viewer: %+v, %v", renewed, ok)
	}
	if g, ok := New(now).Renew(renewed); !ok || !g.Sees("yard") || !g.Is(Control) {
		t.Errorf("the limit outlives the gate that made it: %+v, %v", g, ok)
	}
}
