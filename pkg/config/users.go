package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"camd/pkg/access"

	"go.yaml.in/yaml/v3"
)

// userEntry is an entry of users as the file has it.
type userEntry struct {
	access.User
	nameNode               *yaml.Node // its name
	hasPermission, hasHash bool       // it says what he may; it has a hash, good or not
}

func userFields() []field[userEntry] {
	return []field[userEntry]{
		{"role", readRole(func(e *userEntry) *access.Role { return &e.Role })},
		{"cameras", readScope(func(e *userEntry) *access.Scope { return &e.Cameras })},
		{"hash", func(d *decoder, key string, n *yaml.Node, to *userEntry) {
			parsedSecret(d, key, n, &to.Hash, access.ParseHash)
		}},
	}
}

// userOrTokenMap reads a mapping by names of users or tokens.
func userOrTokenMap(d *decoder, key, example string, n *yaml.Node, read func(nameNode, value *yaml.Node)) {
	var nameNode *yaml.Node
	d.eachNamed(key, n, fmt.Sprintf("names and what they may, such as %q", example), func(name *yaml.Node) bool {
		nameNode = name
		err := access.CheckName(name.Value)
		if err != nil {
			d.errorf(name, "%s: %v", key, err)
		}
		return err == nil
	}, func(_ string, value *yaml.Node) { read(nameNode, value) })
}

func readUsers(d *decoder, key string, n *yaml.Node, to *authEntry) {
	userOrTokenMap(d, key, "anna: {role: admin}", n, func(nameNode, value *yaml.Node) {
		e := userEntry{nameNode: nameNode, User: access.User{Name: nameNode.Value, Permission: access.Permission{Role: access.View}}}
		hasPlainPassword := d.rejectPlainPassword(value)
		given := decode(d, key, value, userFields(), &e)
		e.hasPermission, e.hasHash = given["role"] != nil || given["cameras"] != nil, given["hash"] != nil || hasPlainPassword
		d.checkPermission(e.Permission, given)
		to.users = append(to.users, e)
	})
}

// rejectPlainPassword removes a password from a user's entry, and reports that it must not be there.
func (d *decoder) rejectPlainPassword(n *yaml.Node) (found bool) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); {
		if key := n.Content[i]; key.Value == "password" {
			d.errorf(key, "password: is not kept in plain text; want hash, as camd hash-password makes it")
			n.Content, found = slices.Delete(n.Content, i, i+2), true
			continue
		}
		i += 2
	}
	return found
}

// maxUsersFileSize bounds the file of users.
const maxUsersFileSize = 1 << 20

// readUsersFile reads the users of a file, and reports mistakes in it by their places there.
func readUsersFile(d *decoder, key string, n *yaml.Node, to *authEntry) {
	path, ok := d.singleLine(key, n, "a path")
	if !ok {
		return
	}
	to.usersFile = d.resolvePath(path)
	d.nameFile(key, n, to.usersFile)
	data, err := readRegularFile(to.usersFile, maxUsersFileSize)
	switch {
	case errors.Is(err, fs.ErrPermission), isWritableError(err):
		d.errorf(n, "%s: %v", key, err)
		return
	case err != nil:
		d.errorf(n, "%s: %v; camd hash-password makes its lines", key, err)
		return
	case len(data) > maxUsersFileSize:
		d.errorf(n, "%s: %s is larger than 1 MiB; it should hold a line for each user", key, to.usersFile)
		return
	}
	var lineErrors []access.UserLineError
	to.userLines, lineErrors = access.ParseUsers(string(data))
	for _, m := range lineErrors {
		d.problems = append(d.problems, Problem{to.usersFile, m.Line, m.Column, m.Message})
	}
	for _, l := range to.userLines {
		for _, p := range l.Cameras {
			if !isPattern(p) {
				d.cameraRefs = append(d.cameraRefs, cameraRef{id: p, key: "user " + l.Name, node: &yaml.Node{Value: p, Line: l.Number, Column: 1}, file: to.usersFile})
			}
		}
	}
}

// mergeUsers merges the users of the file and those of the section. A user in both has the hash of the file and the permission of the
// section.
func (d *decoder) mergeUsers(e *authEntry) {
	for _, l := range e.userLines {
		at := slices.IndexFunc(e.users, func(u userEntry) bool { return u.Name == l.Name })
		if at < 0 {
			e.Users = append(e.Users, l.User)
			continue
		}
		u := &e.users[at]
		switch {
		case u.hasHash:
			d.errorf(u.nameNode, "users: %q has a hash in %s, too, on line %d; keep one", u.Name, e.usersFile, l.Number)
		case u.hasPermission && l.HasRole:
			d.errorf(u.nameNode, "users: what %q may is in %s, too, on line %d; keep one", u.Name, e.usersFile, l.Number)
		case l.HasRole:
			u.Permission = l.Permission
		}
		u.Hash, u.hasHash = l.Hash, true
	}
	for _, u := range e.users {
		if !u.hasHash && e.ForwardAuth.Header == "" {
			d.errorf(u.nameNode, "users: %q has no hash, here or in users_file; make one with camd hash-password", u.Name)
		}
		e.Users = append(e.Users, u.User)
	}
}
