package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// sum is the SHA-256 of a secret that nobody can guess.
type sum [sha256.Size]byte

// Token lets a program in.
type Token struct {
	Name string
	Sum  TokenSum
	Allowance
}

// TokenSum is what is kept of a token.
type TokenSum sum

// tokenPrefix tells people, and programs that look for secrets where none should be, what it is.
const tokenPrefix = "camd_"

// NewToken returns a token of 256 random bits.
func NewToken() string { return tokenPrefix + randomText() }

func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// LeastToken is how long a token must be that camd did not make.
const LeastToken = 32

// SumToken returns what to keep of a token, or what is wrong with it. The error does not repeat it.
func SumToken(token string) (TokenSum, error) {
	if len(token) < LeastToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return TokenSum{}, errors.New("want a token of at least 32 printable characters without spaces, as camd new-token makes it")
	}
	return sha256.Sum256([]byte(token)), nil
}

const sumPrefix = "sha256:"

// String is the text form, as configurations have it.
func (s TokenSum) String() string { return sumPrefix + hex.EncodeToString(s[:]) }

// ParseTokenSum reads the text form. The error does not repeat it: it may be a token.
func ParseTokenSum(text string) (s TokenSum, err error) {
	digits, ok := strings.CutPrefix(text, sumPrefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(s) {
		return TokenSum{}, errors.New("want sha256: and 64 hexadecimal digits, as camd new-token prints them; a token itself belongs in a file")
	}
	copy(s[:], b)
	return s, nil
}
