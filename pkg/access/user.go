package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"
)

// User is a person, or a program that knows only passwords.
type User struct {
	Name string
	Hash Hash // zero: only a proxy vouches for him
	Permission
}

// fingerprint ends what a user has been let in with when his password changes.
func (h Hash) fingerprint() [sha256.Size]byte { return sha256.Sum256([]byte(h.text)) }

// userRecord is a user as the authenticator keeps it.
type userRecord struct {
	User
	fingerprint [sha256.Size]byte
}

func (u userRecord) grant(k Kind) Grant {
	return Grant{Identity: u.Name, Kind: k, permission: u.Permission, name: u.Name, fingerprint: u.fingerprint}
}

// sessionGrant is the grant of a session.
func (u userRecord) sessionGrant(s activeSession) Grant {
	g := u.grant(BySession)
	g.session, g.ExpiresAt = s.key, s.expiresAt
	return g
}

// maxPasswordLength bounds what is hashed; maxNameLength what is remembered of a name.
const maxPasswordLength, maxNameLength = 1 << 10, 64

// verifiedCredentials are the Basic credentials that were checked, so that repeating them costs nothing, by a hash that only
// this process can make. A wrong one that comes again teaches a guesser nothing, and a program with an old password should not
// keep its owner out: it is refused without counting.
type verifiedCredentials struct {
	key                [sha256.Size]byte
	accepted, rejected *lru.Cache[secretHash, string]
}

func newVerifiedCredentials() *verifiedCredentials {
	r := &verifiedCredentials{}
	_, _ = rand.Read(r.key[:])                           // it never fails
	r.accepted, _ = lru.New[secretHash, string](1 << 10) // nor does this, of a size above 0
	r.rejected, _ = lru.New[secretHash, string](1 << 10)
	return r
}

func (r *verifiedCredentials) hash(user, password string) (s secretHash) {
	h := hmac.New(sha256.New, r.key[:])
	_ = binary.Write(h, binary.BigEndian, uint64(len(user)))
	h.Write([]byte(user))
	h.Write([]byte(password))
	h.Sum(s[:0])
	return s
}

// verifyPassword returns the user whose password it is.
func (a *Authenticator) verifyPassword(client Client, name, password string) (userRecord, error) {
	if !a.HasLogin() || len(name) > maxNameLength || len(password) > maxPasswordLength {
		return userRecord{}, ErrWrongCredentials // nobody's: none such can be made
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
	// Many requests with one password, as a page or a recorder begins with, are one attempt.
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

// decoyHash is the hash that an unknown user's password is compared with, always the same for a name, so that he takes as long as
// one of those who are there.
func (a *Authenticator) decoyHash(name string) Hash {
	s := a.verified.hash(name, "")
	return a.decoyHashes[binary.BigEndian.Uint64(s[:8])%uint64(len(a.decoyHashes))]
}
