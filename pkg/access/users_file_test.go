package access

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseUsersReadsLines(t *testing.T) {
	h := acceptedHash().text
	file := strings.NewReplacer("HASH", h).Replace("\ufeff# people\n\nanna:HASH:admin\r\n  \nguest:HASH:view:front-*, yard\nold:HASH\n")
	all, wrong := ParseUsers(file)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	var got []string
	for _, u := range all {
		got = append(got, fmt.Sprint(u.Number, " ", u.Name, " ", u.Role, " ", u.Cameras, " ", u.HasRole, " ", u.Hash.Matches("hunter2")))
	}
	want := []string{"3 anna admin [] true true", "5 guest view [front-* yard] true true", "6 old view [] false true"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseUsersReportsErrors(t *testing.T) {
	h := acceptedHash().text
	for line, want := range map[string]string{
		"anna":                            "1:1: must be NAME:HASH, as camd hash-password prints it",
		"anna:hunter2":                    "1:6: must be an argon2id or bcrypt hash, not a plain-text password; make one with camd hash-password",
		":HASH":                           "1:1: a name must be 1 to 64 characters",
		"an na:HASH":                      "1:1: a name must be 1 to 64 characters",
		"änna:HASH":                       "1:1: a name must be 1 to 64 characters",
		strings.Repeat("a", 65) + ":HASH": "1:1: a name must be 1 to 64 characters",
		"anna:$apr1$a$b:admin":            "1:6: an MD5 hash is not accepted",
		"anna:HASH:root":                  fmt.Sprintf("1:%d: the role must be view, control, admin or metrics", 7+len(h)),
		"anna:HASH:":                      fmt.Sprintf("1:%d: the role must be", 7+len(h)),
		"anna:HASH:view:":                 fmt.Sprintf("1:%d: must be a camera's id, or a pattern", 12+len(h)),
		"anna:HASH:view:yard,[":           fmt.Sprintf("1:%d: must be a camera's id, or a pattern", 12+len(h)),
		"anna:HASH:metrics:yard":          fmt.Sprintf("1:%d: the role metrics cannot be limited to cameras", 15+len(h)),
		"anna:HASH:view:yard:x":           fmt.Sprintf("1:%d: must end after NAME:HASH:ROLE:CAMERAS", 17+len(h)),
		"anna:HASH\nbob:HASH\nanna:HASH":  `3:1: user "anna" is defined twice, first on line 1`,
	} {
		_, wrong := ParseUsers(strings.ReplaceAll(line, "HASH", h))
		if len(wrong) != 1 {
			t.Errorf("%q: got %v", line, wrong)
			continue
		}
		got := fmt.Sprintf("%d:%d: %s", wrong[0].Line, wrong[0].Column, wrong[0].Message)
		if !strings.HasPrefix(got, want) || strings.Contains(got, "hunter2") {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// An accepted line is written as it was read, and allows nothing without its password.
func FuzzParseUsers(f *testing.F) {
	h := acceptedHash().text
	for _, s := range []string{"anna:HASH:admin", "guest:HASH:view:front-*,yard", "# x\n\na:HASH", "anna:hunter2", "a:$2y$10$" + strings.Repeat("a", 53), "a:HASH:metrics:x", "a:HASH:view:["} {
		f.Add(strings.ReplaceAll(s, "HASH", h))
	}
	f.Fuzz(func(t *testing.T, data string) {
		all, wrong := ParseUsers(data)
		lines := strings.Split(data, "\n")
		for _, m := range wrong {
			if m.Line < 1 || m.Line > len(lines) || m.Column < 1 || m.Column > len(lines[m.Line-1])+1 || m.Message == "" || strings.Contains(m.Message, "\n") {
				t.Errorf("no place or message: %+v", m)
			}
		}
		for _, u := range all {
			again, wrong := ParseUsers(u.User.FileLine())
			if len(wrong) > 0 || len(again) != 1 || again[0].User.FileLine() != u.User.FileLine() {
				t.Errorf("%q is read again as %v, %v", u.User.FileLine(), again, wrong)
			}
			if !u.Role.Includes(u.Role) || u.Hash.IsZero() || CheckName(u.Name) != nil || u.Permission.Check() != nil {
				t.Errorf("accepted %+v", u)
			}
		}
	})
}
