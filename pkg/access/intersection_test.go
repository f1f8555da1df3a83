package access

import (
	"errors"
	"testing"
)

// An intersection allows what both authenticators allow, to new requests and to running streams.
func TestIntersectAllowsWhatBothAllow(t *testing.T) {
	token := NewToken()
	before := testOptions(token)
	before.Anonymous = Permission{View, Scope{"street", "gate"}}
	now := testOptions(token)
	now.Anonymous = Permission{Control, Scope{"gate", "yard"}}
	now.Users = []User{
		{"guest", cheapHash(), Permission{Admin, nil}},               // has more rights now
		{"phil", hashWith("hunter3", 64), Permission{Role: Control}}, // has a password now
		{"zoe", cheapHash(), Permission{Role: View}},                 // is new
	}
	gate := New(now).Intersect(New(before))
	if g, err := gate.Identify(request()); err != nil || !g.CanSee("gate") || g.CanSee("street") || g.CanSee("yard") || g.HasRole(Control) || g.Allows(View, "") {
		t.Errorf("anonymous: %+v, %v", g, err)
	}
	if g, err := gate.Identify(request(withBasicAuth("guest", "hunter2"))); err != nil || !g.CanSee("yard") || g.CanSee("hall") || g.HasRole(Control) || g.Allows(View, "") {
		t.Errorf("a user with more rights: %+v, %v", g, err)
	}
	if _, err := gate.Identify(request(withBasicAuth("anna", "hunter2"))); !errors.Is(err, ErrWrongCredentials) {
		t.Errorf("a removed user: %v", err)
	}
	for _, r := range []struct{ user, password string }{{"phil", "hunter3"}, {"zoe", "hunter2"}} {
		if g, err := gate.Identify(request(withBasicAuth(r.user, r.password))); !errors.Is(err, ErrNoCredentials) || g.HasRole(View) {
			t.Errorf("%s, which the other rules do not know: %+v, %v", r.user, g, err)
		}
	}
	if g, err := gate.Identify(request(withBearer(token))); err != nil || !g.Allows(Metrics, "") {
		t.Errorf("a token of both: %+v, %v", g, err)
	}

	viewing, err := New(before).Identify(request())
	if err != nil {
		t.Fatal(err)
	}
	renewed, ok := gate.Revalidate(viewing)
	if !ok || !renewed.CanSee("gate") || renewed.CanSee("street") || renewed.CanSee("yard") {
		t.Errorf("an anonymous viewer: %+v, %v", renewed, ok)
	}
	if g, ok := New(now).Revalidate(renewed); !ok || !g.CanSee("yard") || !g.HasRole(Control) {
		t.Errorf("the limit outlives its authenticator: %+v, %v", g, ok)
	}
}
