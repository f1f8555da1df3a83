package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"
)

// User is a person, or a program that can only log in with a password.
type User struct {
	Name string
	Hash Hash // zero if only a proxy can authenticate the user
	Permission
}

// fingerprint returns a value that changes with the password. Grants and sessions with another value are void.
func (h Hash) fingerprint() [sha256.Size]byte { return sha256.Sum256([]byte(h.text)) }

// userRecord is a user with the fingerprint of the password's hash.
type userRecord struct {
	User
	fingerprint [sha256.Size]byte
}

func (u userRecord) grant(k Kind) Grant {
	return Grant{Identity: u.Name, Kind: k, permission: u.Permission, name: u.Name, fingerprint: u.fingerprint}
}

// sessionGrant returns the grant of a session.
func (u userRecord) sessionGrant(s activeSession) Grant {
	g := u.grant(BySession)
	g.session, g.ExpiresAt = s.key, s.expiresAt
	return g
}

// The limits of passwords and names, in bytes. Longer ones are refused without a check.
const maxPasswordLength, maxNameLength = 1 << 10, 64

// verifiedCredentials caches the results of password checks, so that repeated Basic credentials cost nothing. The keys are HMACs
// with a key of this process. A repeated wrong password is refused but not counted: an attacker learns nothing new from it, and a
// program with an old password must not lock its owner out.
type verifiedCredentials struct {
	key                [sha256.Size]byte
	accepted, rejected *lru.Cache[secretHash, string]
}

func newVerifiedCredentials() *verifiedCredentials {
	r := &verifiedCredentials{}
	_, _ = rand.Read(r.key[:])                           // it never fails
	r.accepted, _ = lru.New[secretHash, string](1 << 10) // it fails for sizes below 1 only
	r.rejected, _ = lru.New[secretHash, string](1 << 10)
	return r
}

func (v *verifiedCredentials) hash(user, password string) (s secretHash) {
	h := hmac.New(sha256.New, v.key[:])
	_ = binary.Write(h, binary.BigEndian, uint64(len(user)))
	h.Write([]byte(user))
	h.Write([]byte(password))
	h.Sum(s[:0])
	return s
}

// verifyPassword returns the user with that name if the password is right. Its error is ErrWrongCredentials or a *RetryLaterError.
func (a *Authenticator) verifyPassword(client Client, name, password string) (userRecord, error) {
	if !a.HasLogin() || len(name) > maxNameLength || len(password) > maxPasswordLength {
		return userRecord{}, ErrWrongCredentials // no user can have such a name or password
	}
	key := a.verified.hash(name, password)
	if _, ok := a.verified.accepted.Get(key); ok {
		return a.users[name], nil
	}
	if _, ok := a.verified.rejected.Get(key); ok {
		return userRecord{}, ErrWrongCredentials
	}
	user, exists := a.users[name]
	hash := user.Hash
	if !exists || hash.IsZero() {
		exists, hash = false, a.decoyHash(name)
	}
	// Parallel requests with the same password, as a page or a recorder makes at its start, are one attempt.
	_, err, _ := a.inFlight.Do(string(key[:]), func() (any, error) {
		err := a.options.LoginLimiter.attempt(client, name, func() bool { return hash.Matches(password) && exists })
		switch {
		case err == nil:
			a.verified.accepted.Add(key, name)
		case errors.Is(err, ErrWrongCredentials):
			a.verified.rejected.Add(key, name)
		}
		return nil, err
	})
	if err != nil {
		return userRecord{}, err
	}
	return user, nil
}

// decoyHash returns the hash of another user, to compare an unknown user's password with. So an unknown name takes as long as a
// known one. It is always the same for a name.
func (a *Authenticator) decoyHash(name string) Hash {
	s := a.verified.hash(name, "")
	return a.decoyHashes[binary.BigEndian.Uint64(s[:8])%uint64(len(a.decoyHashes))]
}
