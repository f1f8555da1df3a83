package config

import (
	"errors"
	"io/fs"
	"slices"

	"camd/pkg/access"

	"go.yaml.in/yaml/v3"
)

// userEntry is an entry of users as the file has it.
type userEntry struct {
	access.User
	at          *yaml.Node // its name
	said, given bool       // it says what he may; it has a hash, good or not
}

func userFields() []field[userEntry] {
	return []field[userEntry]{
		{"role", readRole(func(e *userEntry) *access.Role { return &e.Role })},
		{"cameras", readScope(func(e *userEntry) *access.Scope { return &e.Cameras })},
		{"hash", func(d *decoder, key string, n *yaml.Node, to *userEntry) {
			concealed(d, key, n, &to.Hash, access.ParseHash)
		}},
	}
}

// mappingOfNames reads a mapping from names of users or tokens.
func mappingOfNames(d *decoder, key, such string, n *yaml.Node, read func(at, value *yaml.Node)) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.bad(n, `%s: want names and what they may, such as "%s", got %s`, key, such, describe(n))
		return
	}
	var at *yaml.Node
	d.named(key, n, func(name *yaml.Node) bool {
		at = name
		err := access.CheckName(name.Value)
		if err != nil {
			d.bad(name, "%s: %v", key, err)
		}
		return err == nil
	}, func(_ string, value *yaml.Node) { read(at, value) })
}

func readUsers(d *decoder, key string, n *yaml.Node, to *authEntry) {
	mappingOfNames(d, key, "anna: {role: admin}", n, func(at, value *yaml.Node) {
		e := userEntry{at: at, User: access.User{Name: at.Value, Allowance: access.Allowance{Role: access.View}}}
		plain := d.refusePlain(value)
		given := decode(d, key, value, userFields(), &e)
		e.said, e.given = given["role"] != nil || given["cameras"] != nil, given["hash"] != nil || plain
		d.checkGrant(e.Allowance, given)
		to.users = append(to.users, e)
	})
}

// refusePlain takes a password out of a user's entry, and says that it should not be there.
func (d *decoder) refusePlain(n *yaml.Node) (was bool) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); {
		if key := n.Content[i]; key.Value == "password" {
			d.bad(key, "password: is not kept in plain text; want hash, as camd hash-password makes it")
			n.Content, was = slices.Delete(n.Content, i, i+2), true
			continue
		}
		i += 2
	}
	return was
}

// longestUsers bounds the file of users.
const longestUsers = 1 << 20

// readUsersFile reads the users of a file, and reports mistakes in it by their places there.
func readUsersFile(d *decoder, key string, n *yaml.Node, to *authEntry) {
	path, ok := d.line(key, n, "a path")
	if !ok {
		return
	}
	to.file = d.path(path)
	data, err := regular(to.file, longestUsers)
	switch {
	case errors.Is(err, fs.ErrPermission):
		d.bad(n, "%s: %v", key, err)
		return
	case err != nil:
		d.bad(n, "%s: %v; camd hash-password makes its lines", key, err)
		return
	case len(data) > longestUsers:
		d.bad(n, "%s: %s is larger than 1 MiB; it should hold a line for each user", key, to.file)
		return
	}
	var wrong []access.Mistake
	to.lines, wrong = access.ParseUsers(string(data))
	for _, m := range wrong {
		d.problems = append(d.problems, Problem{to.file, m.Line, m.Column, m.Message})
	}
	for _, l := range to.lines {
		for _, p := range l.Cameras {
			if !isPattern(p) {
				d.mentioned = append(d.mentioned, mention{id: p, key: "user " + l.Name, at: &yaml.Node{Value: p, Line: l.Number, Column: 1}, file: to.file})
			}
		}
	}
}

// mergeUsers puts the users of the file and those of the section together. Who is in both has his hash from the file and what he
// may from the section.
func (d *decoder) mergeUsers(e *authEntry) {
	for _, l := range e.lines {
		at := slices.IndexFunc(e.users, func(u userEntry) bool { return u.Name == l.Name })
		if at < 0 {
			e.Users = append(e.Users, l.User)
			continue
		}
		u := &e.users[at]
		switch {
		case u.given:
			d.bad(u.at, "users: %q has a hash in %s, too, on line %d; keep one", u.Name, e.file, l.Number)
		case u.said && l.Said:
			d.bad(u.at, "users: what %q may is in %s, too, on line %d; keep one", u.Name, e.file, l.Number)
		case l.Said:
			u.Allowance = l.Allowance
		}
		u.Hash, u.given = l.Hash, true
	}
	for _, u := range e.users {
		if !u.given && e.ForwardAuth.Header == "" {
			d.bad(u.at, "users: %q has no hash, here or in users_file; make one with camd hash-password", u.Name)
		}
		e.Users = append(e.Users, u.User)
	}
}
