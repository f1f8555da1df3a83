package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	lru "github.com/hashicorp/golang-lru/v2"
)

// User is a person, or a program that knows only passwords.
type User struct {
	Name string
	Hash Hash // zero: only a proxy vouches for him
	Allowance
}

// print ends what a user has been let in with when his password changes.
func (h Hash) print() [sha256.Size]byte { return sha256.Sum256([]byte(h.text)) }

// known is a user as the gate has him.
type known struct {
	User
	print [sha256.Size]byte
}

func (u known) grant(k Kind) Grant {
	return Grant{Who: u.Name, Kind: k, allowance: u.Allowance, name: u.Name, print: u.print}
}

// during is the grant of a session.
func (u known) during(s opened) Grant {
	g := u.grant(BySession)
	g.session, g.Until = s.key, s.until
	return g
}

// longestPassword bounds what is hashed; longestName what is remembered of a name.
const longestPassword, longestName = 1 << 10, 64

// remembered are the Basic credentials that have been checked, so that who polls with them costs nothing, by a hash that only
// this process can make. A wrong one that comes again teaches a guesser nothing, and a program with an old password should not
// keep its owner out: it is refused without counting.
type remembered struct {
	key          [sha256.Size]byte
	right, wrong *lru.Cache[sum, string]
}

func newRemembered() *remembered {
	r := &remembered{}
	_, _ = rand.Read(r.key[:])                 // it never fails
	r.right, _ = lru.New[sum, string](1 << 10) // nor does this, of a size above 0
	r.wrong, _ = lru.New[sum, string](1 << 10)
	return r
}

func (r *remembered) sum(user, password string) (s sum) {
	h := hmac.New(sha256.New, r.key[:])
	_ = binary.Write(h, binary.BigEndian, uint64(len(user)))
	h.Write([]byte(user))
	h.Write([]byte(password))
	h.Sum(s[:0])
	return s
}

// check returns the user whose password it is.
func (g *Gate) check(client Client, name, password string) (known, error) {
	if !g.HasLogin() || len(name) > longestName || len(password) > longestPassword {
		return known{}, ErrWrong // nobody's: none such can be made
	}
	key := g.remembered.sum(name, password)
	if _, ok := g.remembered.right.Get(key); ok {
		return g.users[name], nil
	}
	if _, ok := g.remembered.wrong.Get(key); ok {
		return known{}, ErrWrong
	}
	u, real := g.users[name]
	hash := u.Hash
	if !real || hash.IsZero() {
		real, hash = false, g.decoy(name)
	}
	// Many requests with one password, as a page or a recorder begins with, are one attempt.
	_, err, _ := g.checking.Do(string(key[:]), func() (any, error) {
		err := g.o.Attempts.try(client, name, func() bool { return hash.Matches(password) && real })
		switch err {
		case nil:
			g.remembered.right.Add(key, name)
		case ErrWrong:
			g.remembered.wrong.Add(key, name)
		}
		return nil, err
	})
	if err != nil {
		return known{}, err
	}
	return u, nil
}

// decoy is the hash that an unknown user's password is compared with, always the same for a name, so that he takes as long as
// one of those who are there.
func (g *Gate) decoy(name string) Hash {
	s := g.remembered.sum(name, "")
	return g.hashes[binary.BigEndian.Uint64(s[:8])%uint64(len(g.hashes))]
}
