package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// secretHash is the SHA-256 of a secret that nobody can guess.
type secretHash [sha256.Size]byte

// Token lets a program in.
type Token struct {
	Name string
	Hash TokenHash
	Permission
}

// TokenHash is what is kept of a token.
type TokenHash secretHash

// tokenPrefix tells people, and programs that look for secrets where none should be, what it is.
const tokenPrefix = "camd_"

// NewToken returns a token of 256 random bits.
func NewToken() string { return tokenPrefix + randomText() }

func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// MinTokenLength is how long a token must be that camd did not make.
const MinTokenLength = 32

// HashToken returns what to keep of a token, or what is wrong with it. The error does not repeat it.
func HashToken(token string) (TokenHash, error) {
	if len(token) < MinTokenLength || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return TokenHash{}, errors.New("want a token of at least 32 printable characters without spaces, as camd new-token makes it")
	}
	return sha256.Sum256([]byte(token)), nil
}

const tokenHashPrefix = "sha256:"

// String is the text form, as configurations have it.
func (s TokenHash) String() string { return tokenHashPrefix + hex.EncodeToString(s[:]) }

// ParseTokenHash reads the text form. The error does not repeat it: it may be a token.
func ParseTokenHash(text string) (TokenHash, error) {
	digits, ok := strings.CutPrefix(text, tokenHashPrefix)
	hash, err := decodeHash(digits)
	if !ok || err != nil {
		return TokenHash{}, errors.New("want sha256: and 64 hexadecimal digits, as camd new-token prints them; a token itself belongs in a file")
	}
	return hash, nil
}
