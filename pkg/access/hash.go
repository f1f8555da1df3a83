package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// Hash is the hash of a password: argon2id in PHC string format, or bcrypt as htpasswd -B writes it. Formatting and marshaling a
// Hash shows "***".
type Hash struct {
	text     string
	argon    argon2Hash
	isBcrypt bool
}

type argon2Hash struct {
	memory    uint32 // KiB
	time      uint32
	threads   uint8
	salt, key []byte
}

// The parameters of HashPassword, and the limits of ParseHash. The minimums are OWASP's. The maximums keep one check from using up
// the machine's memory and time. Memory is in KiB.
const (
	argonMemory, minArgonMemory, maxArgonMemory              = 19 << 10, 7 << 10, 256 << 10
	argonTime, maxArgonTime                                  = 2, 16
	argonThreads, maxArgonThreads                            = 1, 16
	minBcryptCost, maxBcryptCost                             = 10, 15
	minSaltLength, maxSaltLength, minKeyLength, maxKeyLength = 8, 64, 16, 64
	saltLength, keyLength                                    = 16, 32
)

// HashPassword returns the argon2id hash of a password, with a random salt.
func HashPassword(password string) string {
	a := argon2Hash{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, saltLength)}
	_, _ = rand.Read(a.salt) // it never fails
	a.key = a.derive(password, keyLength)
	return a.String()
}

func (a argon2Hash) derive(password string, length int) []byte {
	return argon2.IDKey([]byte(password), a.salt, a.time, a.memory, a.threads, uint32(length))
}

// String returns the hash in PHC string format.
func (a argon2Hash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.time, a.threads, b64(a.salt), b64(a.key))
}

const makeHashHint = "make one with camd hash-password"

// weakHashes lists hashes that are too easy to break, and their prefixes.
var weakHashes = []struct{ prefix, name string }{
	{"$apr1$", "an MD5"}, {"$1$", "an MD5"}, {"{SHA}", "a SHA-1"}, {"{SSHA}", "a SHA-1"}, {"{PLAIN}", "a plain-text"},
	{"$5$", "a SHA-256-crypt"}, {"$6$", "a SHA-512-crypt"}, {"$argon2i$", "an argon2i"}, {"$argon2d$", "an argon2d"}, {"$2x$", "a broken bcrypt"},
}

// ParseHash parses a hash. Its error says what is expected. It does not repeat the text, which may be a password.
func ParseHash(text string) (Hash, error) {
	for _, w := range weakHashes {
		if strings.HasPrefix(text, w.prefix) {
			return Hash{}, fmt.Errorf("%s hash is not accepted; %s (argon2id), or with htpasswd -B -C 12 (bcrypt)", w.name, makeHashHint)
		}
	}
	switch {
	case strings.HasPrefix(text, "$argon2id$"):
		a, err := parseArgon(text)
		return Hash{text: text, argon: a}, err
	case strings.HasPrefix(text, "$2"):
		return parseBcrypt(text)
	}
	return Hash{}, errors.New("must be an argon2id or bcrypt hash, not a plain-text password; " + makeHashHint)
}

var argonForm = regexp.MustCompile(`^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)

func parseArgon(text string) (argon2Hash, error) {
	m := argonForm.FindStringSubmatch(text)
	if m == nil {
		return argon2Hash{}, errors.New("an argon2id hash must be $argon2id$v=19$m=…,t=…,p=…$salt$key; " + makeHashHint)
	}
	memory, _ := strconv.ParseUint(m[1], 10, 32)
	time, _ := strconv.ParseUint(m[2], 10, 32)
	threads, _ := strconv.ParseUint(m[3], 10, 32)
	salt, err := base64.RawStdEncoding.Strict().DecodeString(m[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(m[5])
	switch {
	case errors.Join(err, err2) != nil || len(salt) < minSaltLength || len(salt) > maxSaltLength || len(key) < minKeyLength || len(key) > maxKeyLength:
		return argon2Hash{}, errors.New("an argon2id hash must end in a salt of 8 to 64 bytes and a key of 16 to 64, both in base64; " + makeHashHint)
	case memory < minArgonMemory || memory > maxArgonMemory || time < 1 || time > maxArgonTime || threads < 1 || threads > maxArgonThreads:
		return argon2Hash{}, fmt.Errorf("an argon2id hash must have m from %d to %d (KiB), t from 1 to %d and p from 1 to %d; %s", minArgonMemory, maxArgonMemory, maxArgonTime, maxArgonThreads, makeHashHint)
	}
	return argon2Hash{memory: uint32(memory), time: uint32(time), threads: uint8(threads), salt: salt, key: key}, nil
}

var bcryptForm = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

func parseBcrypt(text string) (Hash, error) {
	cost, err := bcrypt.Cost([]byte(text))
	if err != nil || !bcryptForm.MatchString(text) {
		return Hash{}, errors.New("a bcrypt hash must be $2y$, two digits, $ and 53 characters; " + makeHashHint)
	}
	if cost < minBcryptCost || cost > maxBcryptCost {
		return Hash{}, fmt.Errorf("the cost of a bcrypt hash must be %d to %d, is %d; %s, or with htpasswd -B -C 12", minBcryptCost, maxBcryptCost, cost, makeHashHint)
	}
	return Hash{text: text, isBcrypt: true}, nil
}

// Matches reports whether it is the hash of password. A check takes tens of milliseconds and some MB of memory. The zero Hash
// matches nothing.
func (h Hash) Matches(password string) bool {
	switch {
	case h.isBcrypt:
		return bcrypt.CompareHashAndPassword([]byte(h.text), []byte(password)) == nil
	case h.text == "":
		return false
	}
	return subtle.ConstantTimeCompare(h.argon.derive(password, len(h.argon.key)), h.argon.key) == 1
}

// IsZero reports whether there is no hash, as for users that only a proxy authenticates.
func (h Hash) IsZero() bool { return h.text == "" }

// Format prints "***".
func (h Hash) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// MarshalText returns "***".
func (h Hash) MarshalText() ([]byte, error) { return []byte("***"), nil }
