package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// secretHash is the SHA-256 of a secret that is too long to guess.
type secretHash [sha256.Size]byte

// Token is a bearer token of a program.
type Token struct {
	Name string
	Hash TokenHash
	Permission
}

// TokenHash is the SHA-256 of a token. The token itself is not kept.
type TokenHash secretHash

// tokenPrefix marks tokens of camd, for people and for programs that scan for leaked secrets.
const tokenPrefix = "camd_"

// NewToken returns a token of 256 random bits.
func NewToken() string { return tokenPrefix + randomText() }

func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// MinTokenLength is the least length of a token, in bytes.
const MinTokenLength = 32

// HashToken returns the hash of a token. Its error says what is wrong with the token, and does not repeat it.
func HashToken(token string) (TokenHash, error) {
	if len(token) < MinTokenLength || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return TokenHash{}, errors.New("a token must be at least 32 printable characters without spaces; make one with camd new-token")
	}
	return sha256.Sum256([]byte(token)), nil
}

const tokenHashPrefix = "sha256:"

// String returns the hash as configurations have it: sha256: and 64 hexadecimal digits.
func (t TokenHash) String() string { return tokenHashPrefix + hex.EncodeToString(t[:]) }

// ParseTokenHash parses the form that String returns. Its error does not repeat the text, which may be a token.
func ParseTokenHash(text string) (TokenHash, error) {
	digits, ok := strings.CutPrefix(text, tokenHashPrefix)
	hash, err := decodeHash(digits)
	if !ok || err != nil {
		return TokenHash{}, errors.New("must be sha256: and 64 hexadecimal digits, as camd new-token prints them; put the token itself into a token_file")
	}
	return hash, nil
}
