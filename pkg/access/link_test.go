package access

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A link shows a logged-in user another camera, and removes no permission.
func TestLinkExtendsSession(t *testing.T) {
	g := New(testOptions(NewToken()))
	c, _, err := g.Login(request(), "guest", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	for camera, want := range map[string]Kind{"hall": ByLink, "yard": BySession, "front-a": BySession} {
		got, err := g.Identify(request(withCookie(c), withLink(signLink(t, g, camera, time.Hour))))
		if err != nil || got.Kind != want || !got.CanSee(camera) {
			t.Errorf("%s: by %s, %v, want by %s", camera, got.Kind, err, want)
		}
	}
	if got, err := g.Identify(request(withCookie(c), withLink("forged"))); err != nil || got.Kind != BySession {
		t.Errorf("invalid link: by %s, %v", got.Kind, err)
	}
}

func TestLinkAllowsOneCameraUntilExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(testOptions(NewToken()))
		for _, camera := range []string{"yard", "*", "[a-z]*", `a\b`, "front-?"} {
			link := signLink(t, g, camera, time.Hour)
			got, err := g.Identify(request(withLink(link)))
			if err != nil {
				t.Fatal(err)
			}
			if !got.CanSee(camera) || got.HasRole(Control) || got.HasRole(Admin) || got.HasRole(Metrics) || got.Allows(View, "") || got.CanSee("hall") || got.CanSee(camera+"2") || got.CanSee("front-a") {
				t.Errorf("%q: got %+v", camera, got)
			}
			if want := time.Now().Add(time.Hour).Truncate(time.Second); !got.ExpiresAt.Equal(want) {
				t.Errorf("until %v, want %v", got.ExpiresAt, want)
			}
		}
		link := signLink(t, g, "yard", time.Hour)
		got, err := g.Identify(request(withLink(link)))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := g.Revalidate(got); !ok {
			t.Error("not renewed")
		}
		rotated := g.options
		rotated.LinkKey = LinkKey(strings.Repeat("k", 32))
		without := g.options
		without.LinkKey = nil
		for name, other := range map[string]*Authenticator{"another key": New(rotated), "no key": New(without)} {
			if _, err := other.Identify(request(withLink(link))); !errors.Is(err, ErrWrongCredentials) {
				t.Errorf("%s: got %v, want %v", name, err, ErrWrongCredentials)
			}
			if _, ok := other.Revalidate(got); ok {
				t.Errorf("%s: renewed", name)
			}
		}
		time.Sleep(time.Hour)
		if _, err := g.Identify(request(withLink(link))); !errors.Is(err, ErrExpired) {
			t.Errorf("expired: got %v, want %v", err, ErrExpired)
		}
		if _, ok := g.Revalidate(got); ok {
			t.Error("expired: renewed")
		}
	})
}

func TestSignLinkRejectsBadInput(t *testing.T) {
	g := New(testOptions(NewToken()))
	for _, lasting := range []time.Duration{0, -time.Hour, time.Millisecond, MaxLinkLifetime + time.Second} {
		if _, err := g.SignLink("yard", lasting); err == nil {
			t.Errorf("made a link for %v", lasting)
		}
	}
	if _, err := g.SignLink("", time.Hour); err == nil {
		t.Error("made a link without a camera")
	}
	if _, err := (LinkKey("short")).Sign("yard", time.Now(), time.Hour); err == nil {
		t.Error("made a link with a short key")
	}
}

// A token with a correct signature that is not a link is refused.
func TestForgedLinksAreRejected(t *testing.T) {
	g := New(testOptions(NewToken()))
	now := time.Now()
	good := jwt.MapClaims{"aud": linkAudience, "sub": "yard", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	except := func(key string, value any) jwt.MapClaims {
		c := jwt.MapClaims{}
		for k, v := range good {
			c[k] = v
		}
		if c[key] = value; value == nil {
			delete(c, key)
		}
		return c
	}
	sign := func(m jwt.SigningMethod, c jwt.MapClaims, key any) string {
		text, err := jwt.NewWithClaims(m, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	hs256, key := jwt.SigningMethodHS256, []byte(testKey)
	if _, err := g.Identify(request(withLink(sign(hs256, good, key)))); err != nil {
		t.Fatalf("valid token: %v", err)
	}
	parts := strings.Split(sign(hs256, good, key), ".")
	for name, link := range map[string]string{
		"no algorithm":            sign(jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType),
		"HS384":                   sign(jwt.SigningMethodHS384, good, key),
		"HS512":                   sign(jwt.SigningMethodHS512, good, key),
		"another key":             sign(hs256, good, []byte("0123456789abcdef0123456789abcdeF")),
		"empty key":               sign(hs256, good, []byte{}),
		"no end":                  sign(hs256, except("exp", nil), key),
		"no beginning":            sign(hs256, except("iat", nil), key),
		"from the future":         sign(hs256, except("iat", now.Add(time.Hour).Unix()), key),
		"for too long":            sign(hs256, except("exp", now.Add(MaxLinkLifetime+time.Hour).Unix()), key),
		"expired":                 sign(hs256, except("exp", now.Add(-time.Second).Unix()), key),
		"for something else":      sign(hs256, except("aud", "other"), key),
		"for nothing":             sign(hs256, except("aud", nil), key),
		"no camera":               sign(hs256, except("sub", ""), key),
		"no signature":            parts[0] + "." + parts[1] + ".",
		"two parts":               parts[0] + "." + parts[1],
		"another's claims":        parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"camd-link","sub":"hall"}`)) + "." + parts[2],
		"padded":                  parts[0] + "." + parts[1] + "." + parts[2] + "=",
		"endless":                 strings.Repeat("a.", maxLinkLength),
		"nothing but dots":        "..",
		"other bits at the end":   lastBits(sign(hs256, good, key)),
		"a number for the camera": sign(hs256, except("sub", 1), key),
	} {
		if got, err := g.Identify(request(withLink(link))); !errors.Is(err, ErrWrongCredentials) {
			t.Errorf("%s: got %+v, %v, want %v", name, got, err, ErrWrongCredentials)
		} else if strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: the error repeats it: %v", name, err)
		}
	}
}

// lastBits changes the unused bits of the last letter of a base64 text.
func lastBits(s string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := strings.IndexByte(letters, s[len(s)-1])
	return s[:len(s)-1] + string(letters[at^1])
}

func TestLinkKeyIsRandomAndHidden(t *testing.T) {
	one, other := NewLinkKey(), NewLinkKey()
	k, err := ParseLinkKey(one)
	if err != nil || len(k) != 32 || one == other {
		t.Errorf("got %d bytes, %v", len(k), err)
	}
	if text := fmt.Sprintf("%v %s %x %#v %d", k, k, k, k, k); text != "*** *** *** *** ***" {
		t.Errorf("printed: %s", text)
	}
	for _, bad := range []string{"", "hunter2", base64.StdEncoding.EncodeToString([]byte("short")), strings.Repeat("A", 1000)} {
		if _, err := ParseLinkKey(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func FuzzLink(f *testing.F) {
	g := New(Options{LinkKey: testKey})
	// Another key has signed it, so that the fuzzer cannot make a valid link from it.
	link, err := LinkKey(strings.Repeat("another ", 4)).Sign("yard", time.Now(), MaxLinkLifetime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("yard", link, uint16(3), byte(1))
	f.Add("*", "a.b.c", uint16(40), byte(0x20))
	f.Add("", "eyJhbGciOiJub25lIn0.e30.", uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, camera, raw string, at uint16, flip byte) {
		if got, err := g.byLink(raw); err == nil {
			t.Errorf("%q was accepted as %+v", raw, got)
		}
		made, err := g.SignLink(camera, time.Hour)
		if err != nil || len(made) > maxLinkLength {
			return
		}
		got, err := g.byLink(made)
		if err != nil || !got.CanSee(camera) || got.HasRole(Control) || got.CanSee(camera+"x") {
			// A name that is not valid UTF-8 changes on the way through JSON. No camera has such a name.
			if err == nil && !got.HasRole(Control) && strings.ToValidUTF8(camera, "\ufffd") != camera {
				return
			}
			t.Fatalf("%q: got %+v, %v", camera, got, err)
		}
		b := []byte(made)
		if b[int(at)%len(b)] ^= flip; string(b) == made {
			return
		}
		if got, err := g.byLink(string(b)); err == nil {
			t.Errorf("%q for %q was accepted as %+v", b, made, got)
		}
	})
}
