package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// UserLine is a line of a users file.
type UserLine struct {
	User
	Number  int  // of the line, from 1
	HasRole bool // the line has a role; otherwise Permission is View at all cameras
}

// UserLineError is what is wrong with a line of a users file.
type UserLineError struct {
	Line, Column int // from 1
	Message      string
}

// ParseUsers parses a users file. Each line is NAME:HASH, as htpasswd -B makes it, NAME:HASH:ROLE, or NAME:HASH:ROLE:CAMERAS with
// commas between patterns. Blank lines and lines that begin with # are skipped. It returns all valid lines, and a problem for each
// other one. No message repeats what may be a password.
func ParseUsers(data string) (lines []UserLine, problems []UserLineError) {
	first := map[string]int{}
	data = strings.TrimPrefix(data, "\ufeff") // Windows editors put this mark before UTF-8
	for i, text := range strings.Split(data, "\n") {
		text = strings.TrimSuffix(text, "\r")
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		l, column, err := parseUser(text)
		if err == nil && first[l.Name] > 0 {
			column, err = 1, fmt.Errorf("user %q is defined twice, first on line %d", l.Name, first[l.Name])
		}
		if err != nil {
			problems = append(problems, UserLineError{i + 1, column, err.Error()})
			continue
		}
		l.Number = i + 1
		first[l.Name] = l.Number
		lines = append(lines, l)
	}
	return lines, problems
}

// parseUser parses a line. If it is wrong, column is the column of the error, from 1.
func parseUser(text string) (l UserLine, column int, err error) {
	fields := strings.Split(text, ":")
	columnOf := func(field int) int {
		return utf8.RuneCountInString(strings.Join(append(slices.Clone(fields[:field]), ""), ":")) + 1
	}
	switch {
	case len(fields) < 2:
		return l, 1, errors.New("must be NAME:HASH, as camd hash-password prints it")
	case len(fields) > 4:
		return l, columnOf(4), errors.New("must end after NAME:HASH:ROLE:CAMERAS")
	}
	l.Name, l.Permission = fields[0], Permission{Role: View}
	if err := CheckName(l.Name); err != nil {
		return l, 1, err
	}
	if l.Hash, err = ParseHash(fields[1]); err != nil {
		return l, columnOf(1), err
	}
	if len(fields) > 2 {
		l.HasRole = true
		if l.Role, err = ParseRole(fields[2]); err != nil {
			return l, columnOf(2), err
		}
	}
	if len(fields) > 3 {
		if l.Cameras, err = parseScope(fields[3]); err == nil {
			err = l.Permission.Check()
		}
		return l, columnOf(3), err
	}
	return l, 1, nil
}

func parseScope(text string) (s Scope, err error) {
	for p := range strings.SplitSeq(text, ",") {
		p = strings.TrimSpace(p)
		if err := CheckPattern(p); err != nil {
			return nil, err
		}
		s = append(s, p)
	}
	return s, nil
}

// FileLine returns the user as a line for ParseUsers.
func (u User) FileLine() string {
	fields := []string{u.Name, u.Hash.text, string(u.Role)}
	if len(u.Cameras) > 0 {
		fields = append(fields, strings.Join(u.Cameras, ","))
	}
	return strings.Join(fields, ":")
}

// CheckName returns what is wrong with a user's or token's name, or nil. The error does not repeat the name, which may be a whole
// line.
func CheckName(name string) error {
	if name == "" || len(name) > maxNameLength || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._@+-", r)
	}) {
		return errors.New("a name must be 1 to 64 characters: A-Z, a-z, 0-9 and . _ @ + -")
	}
	return nil
}

// ParseRole parses a role. Its error does not repeat the text.
func ParseRole(text string) (Role, error) {
	if r := Role(text); slices.Contains(Roles, r) {
		return r, nil
	}
	return "", errors.New("the role must be view, control, admin or metrics")
}

// Check returns an error if the role cannot be limited to these cameras.
func (a Permission) Check() error {
	if a.Role == Metrics && len(a.Cameras) > 0 {
		return errors.New("the role metrics cannot be limited to cameras, because /metrics shows all of them")
	}
	return nil
}
