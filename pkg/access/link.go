package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// LinkParameter is where in an address' query a link has its signature.
const LinkParameter = "link"

// MaxLinkLifetime is how long a link may be good.
const MaxLinkLifetime = 30 * 24 * time.Hour

// maxLinkLength bounds what is looked at of a link.
const maxLinkLength = 1 << 10

// linkAudience tells links from what else may be signed with the same key.
const linkAudience = "camd-link"

// LinkKey signs links, and whoever has it can make them: another key, and all of them are void. An empty one makes and knows none.
type LinkKey []byte

// NewLinkKey returns the text of a key of 256 random bits.
func NewLinkKey() string {
	var b [sha256.Size]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// ParseLinkKey reads the text of a key. Its error does not repeat it.
func ParseLinkKey(text string) (LinkKey, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < sha256.Size || len(b) > 4*sha256.Size {
		return nil, errors.New("want 32 to 128 random bytes in base64, as camd rotate-links or openssl rand -base64 32 make them")
	}
	return b, nil
}

// Format prints nothing of it.
func (k LinkKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// MarshalText returns nothing of it.
func (k LinkKey) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Sign returns the text that lets whoever has it see a camera from now on for so long. It is a JSON Web Token, by HMAC-SHA256.
func (k LinkKey) Sign(camera string, now time.Time, lifetime time.Duration) (string, error) {
	switch {
	case len(k) < sha256.Size:
		return "", errors.New("there is no key to sign links with")
	case camera == "":
		return "", errors.New("a link is for one camera")
	case lifetime < time.Second || lifetime > MaxLinkLifetime:
		return "", fmt.Errorf("a link is good for 1 s to %d days", MaxLinkLifetime/(24*time.Hour))
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Audience: jwt.ClaimStrings{linkAudience}, Subject: camera,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
	}).SignedString([]byte(k))
}

// verify returns which camera a link is for and until when, or ErrWrongCredentials or ErrExpired.
func (k LinkKey) verify(text string, now time.Time) (camera string, expiresAt time.Time, err error) {
	if len(k) < sha256.Size || len(text) > maxLinkLength {
		return "", time.Time{}, ErrWrongCredentials
	}
	var c jwt.RegisteredClaims
	_, err = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithAudience(linkAudience), jwt.WithTimeFunc(func() time.Time { return now }),
	).ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return []byte(k), nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", time.Time{}, ErrExpired
	case err != nil || c.Subject == "" || c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > MaxLinkLifetime:
		return "", time.Time{}, ErrWrongCredentials // not from jwt's error, which repeats what was sent
	}
	return c.Subject, c.ExpiresAt.Time, nil
}

// SignLink returns the value of LinkParameter that lets whoever has it see a camera, and nothing else, for so long.
func (a *Authenticator) SignLink(camera string, lifetime time.Duration) (string, error) {
	return a.options.LinkKey.Sign(camera, time.Now(), lifetime)
}

// byLink is the grant of a link.
func (a *Authenticator) byLink(text string) (Grant, error) {
	camera, expiresAt, err := a.options.LinkKey.verify(text, time.Now())
	if err != nil {
		return Grant{}, err
	}
	return Grant{
		Identity: "link", Kind: ByLink, ExpiresAt: expiresAt, name: camera, fingerprint: a.linkKeyFingerprint,
		permission: Permission{Role: View, Cameras: Scope{escapePattern(camera)}},
	}, nil
}
