package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestHashMatchesOnlyItsPassword(t *testing.T) {
	made, err := ParseHash(HashPassword("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if again := HashPassword("hunter2"); again == made.text {
		t.Error("two hashes of a password are equal")
	}
	for name, h := range map[string]Hash{
		"argon2id": made,
		"least":    hashed(t, acceptedHash().text),
		// echo -n hunter2 | argon2 somesalt1234 -id -t 2 -k 8192 -p 4 -l 24 -e
		"argon2": hashed(t, "$argon2id$v=19$m=8192,t=2,p=4$c29tZXNhbHQxMjM0$hPzMirs1HJ0kB71Mwe3z4oTvSUmSIg2k"),
		// htpasswd -nbB -C 10 anna hunter2
		"htpasswd": hashed(t, "$2y$10$9ujdvGEgyLZDoAbNJuj7Q.q8qgvcT2UpwGhfQycEZvJJDm5/x.8CO"),
	} {
		if !h.Matches("hunter2") || name != "argon2id" && h.Matches("hunter2 ") { // few, because each check is slow
			t.Errorf("%s matches another password, or does not match its own", name)
		}
		text, err := json.Marshal(map[string]any{"hash": h})
		if printed := fmt.Sprintf("%v %+v %#v %s %q", h, h, h, h, h) + string(text); err != nil || strings.Contains(printed, "$") {
			t.Errorf("%s: printed: %s", name, printed)
		}
	}
	if (Hash{}).Matches("") || !(Hash{}).IsZero() {
		t.Error("the zero hash matches")
	}
}

func hashed(t *testing.T, text string) Hash {
	t.Helper()
	h, err := ParseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashesRefused(t *testing.T) {
	weakly, err := bcrypt.GenerateFromPassword([]byte("hunter2"), 5)
	if err != nil {
		t.Fatal(err)
	}
	const good = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$Zm9yIGEga2V5IG9mIDMyIGJ5dGVzIGl0IGlzIGxvbmc"
	hashed(t, good)
	for text, want := range map[string]string{
		"":                                       "not a plain-text password",
		"hunter2":                                "not a plain-text password",
		"$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/":  "an MD5 hash is not accepted; make one with camd hash-password (argon2id), or with htpasswd -B -C 12 (bcrypt)",
		"$1$abc$def":                             "an MD5 hash",
		"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=":      "a SHA-1 hash",
		"{SSHA}x":                                "a SHA-1 hash",
		"rqXexS6ZhobKA":                          "must be an argon2id or bcrypt hash",
		"$5$a$b":                                 "a SHA-256-crypt hash",
		"$6$a$b":                                 "a SHA-512-crypt hash",
		strings.Replace(good, "id", "i", 1):      "an argon2i hash",
		strings.Replace(good, "id", "d", 1):      "an argon2d hash",
		string(weakly):                           "must be 10 to 15, is 5",
		"$2y$12$tooshort":                        "53 characters",
		"$2y$31$" + strings.Repeat("a", 53):      "must be 10 to 15, is 31",
		good + "=":                               "must be $argon2id$",
		good + ":":                               "must be $argon2id$",
		" " + good:                               "not a plain-text password",
		good + "\n":                              "must be $argon2id$",
		strings.Replace(good, "v=19", "v=16", 1): "must be $argon2id$",
		strings.Replace(good, "m=19456", "m=19456000", 1):  "must be $argon2id$",
		strings.Replace(good, "m=19456", "m=1048576", 1):   "m from 7168 to 262144",
		strings.Replace(good, "m=19456", "m=64", 1):        "m from 7168 to 262144",
		strings.Replace(good, "t=2", "t=0", 1):             "t from 1 to 16",
		strings.Replace(good, "t=2", "t=99", 1):            "t from 1 to 16",
		strings.Replace(good, "p=1", "p=0", 1):             "p from 1 to 16",
		strings.Replace(good, "p=1", "p=255", 1):           "p from 1 to 16",
		strings.Replace(good, "c29tZXNhbHQxMjM0", "YQ", 1): "a salt of 8 to 64 bytes",
		good[:len(good)-30]:                                "a key of 16 to 64",
	} {
		h, err := ParseHash(text)
		switch {
		case err == nil:
			t.Errorf("%q is accepted: %v", text, h.text)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: got %q, want %q", text, err, want)
		case strings.Contains(err.Error(), "hunter2") || len(text) > 20 && strings.Contains(err.Error(), text[8:20]):
			t.Errorf("%q: the error repeats it: %v", text, err)
		}
	}
}
