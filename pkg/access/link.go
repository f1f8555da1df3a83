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

// LinkParameter is the query parameter of a link that holds its signed token.
const LinkParameter = "link"

// MaxLinkLifetime is the longest time for which a link can be valid.
const MaxLinkLifetime = 30 * 24 * time.Hour

// maxLinkLength bounds the tokens that are parsed, in bytes.
const maxLinkLength = 1 << 10

// linkAudience marks tokens as links. Other tokens signed with the same key are refused.
const linkAudience = "camd-link"

// LinkKey is the secret key that signs links. With it, anybody can make links. A new key makes all existing links invalid. An
// empty key disables links.
type LinkKey []byte

// NewLinkKey returns a new key of 256 random bits, in base64.
func NewLinkKey() string {
	var b [sha256.Size]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// ParseLinkKey parses a key in base64. Its error does not repeat the text.
func ParseLinkKey(text string) (LinkKey, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < sha256.Size || len(b) > 4*sha256.Size {
		return nil, errors.New("must be 32 to 128 random bytes in base64; make them with camd rotate-links or openssl rand -base64 32")
	}
	return b, nil
}

// Format prints "***".
func (l LinkKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// MarshalText returns "***".
func (l LinkKey) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Sign returns a token that allows its holder to view a camera, from now until lifetime has passed. The token is a JSON Web Token
// signed with HMAC-SHA256. It returns an error if the key or the camera is empty, or if lifetime is below 1 s or above
// MaxLinkLifetime.
func (l LinkKey) Sign(camera string, now time.Time, lifetime time.Duration) (string, error) {
	switch {
	case len(l) < sha256.Size:
		return "", errors.New("no key to sign links")
	case camera == "":
		return "", errors.New("a link needs a camera")
	case lifetime < time.Second || lifetime > MaxLinkLifetime:
		return "", fmt.Errorf("a link must be valid for 1 s to %d days", MaxLinkLifetime/(24*time.Hour))
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Audience: jwt.ClaimStrings{linkAudience}, Subject: camera,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
	}).SignedString([]byte(l))
}

// verify returns the camera of a link's token and when the link expires. Its error is ErrWrongCredentials or ErrExpired.
func (l LinkKey) verify(text string, now time.Time) (camera string, expiresAt time.Time, err error) {
	if len(l) < sha256.Size || len(text) > maxLinkLength {
		return "", time.Time{}, ErrWrongCredentials
	}
	var c jwt.RegisteredClaims
	_, err = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithAudience(linkAudience), jwt.WithTimeFunc(func() time.Time { return now }),
	).ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return []byte(l), nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", time.Time{}, ErrExpired
	case err != nil || c.Subject == "" || c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > MaxLinkLifetime:
		return "", time.Time{}, ErrWrongCredentials // without jwt's error, which repeats what was sent
	}
	return c.Subject, c.ExpiresAt.Time, nil
}

// SignLink returns a value for LinkParameter that allows viewing one camera for that lifetime. For its errors see [LinkKey.Sign].
func (a *Authenticator) SignLink(camera string, lifetime time.Duration) (string, error) {
	return a.options.LinkKey.Sign(camera, time.Now(), lifetime)
}

// byLink returns the grant of a link's token.
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
