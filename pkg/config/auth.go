package config

import (
	"strings"
	"time"
)

// Auth says who may see and do what. Hashes, tokens and keys are as the files have them: package configfile checks them.
type Auth struct {
	Anonymous      Permission // of requests without a login; the zero value allows nothing
	UsersFile      NamedFile  // with more users
	Users          []User
	Tokens         []Token
	LinkKeyFile    NamedFile // with the key that signs links; without one camd creates a key in StateDir
	Session        Session
	TrustedProxies []string // networks, and unix for all clients of a unix socket
	ForwardAuth    *ForwardAuth
}

// Permission is a role at some or all cameras. The zero Permission allows nothing.
type Permission struct {
	Role    string
	Cameras []string // ids and patterns; empty means all
}

// NamedFile is a file that was read with the configuration.
type NamedFile struct {
	Path    string // empty: there is none
	Content Secret
}

// User is an entry of users.
type User struct {
	Permission
	Name          string
	Hash          Secret
	HasHash       bool // the entry has a hash, good or not; otherwise the users file may have it
	HasPermission bool // the entry has a role or cameras; otherwise those of the users file apply
}

// Token is an entry of tokens. It has a file with the token, or its hash.
type Token struct {
	Permission
	Name      string
	TokenFile NamedFile
	Hash      Secret
}

// Session bounds the sessions of browsers.
type Session struct{ Idle, Lifetime time.Duration }

// ForwardAuth is a trusted proxy that logs users in.
type ForwardAuth struct {
	Permission // of users who are not known otherwise
	UserHeader string
}

// DefaultAuth returns the defaults of the section auth. They give nobody access.
func DefaultAuth() *Auth {
	a := &Auth{}
	decode(declaration().Properties.get("auth"), nil, a)
	return a
}

// maxUsersFileSize bounds the file of users.
const maxUsersFileSize = 1 << 20

// auth returns the section auth. An empty section is a mistake: without auth everybody on this machine has full access, and a file that
// was cut short may end there.
func (d *decoder) auth(v *value) *Auth {
	if v == nil {
		return nil
	}
	if len(v.order) == 0 {
		if !v.bad {
			d.emptyAuth(v)
		}
		return nil
	}
	a := DefaultAuth()
	decode(v.schema, v, a)
	if role := v.text("anonymous"); role != "" && role != "none" {
		a.Anonymous.Role = role
	}
	d.checkPermission(v.get("anonymous"), a.Anonymous)
	a.UsersFile = d.usersFile(v.get("users_file"))
	a.LinkKeyFile = d.namedSecret(v.get("link_key_file"))
	a.Users, a.Tokens = d.users(v.get("users")), d.tokens(v.get("tokens"))
	forward := v.get("forward_auth")
	if forward != nil && v.get("trusted_proxies") == nil {
		d.errorf(forward.key, "forward_auth: has no effect without trusted_proxies; add the address of the proxy")
	}
	if forward != nil && a.ForwardAuth != nil {
		d.checkPermission(forward, a.ForwardAuth.Permission)
		if at := forward.get("cameras"); at != nil && forward.get("role") == nil {
			d.errorf(at.key, "cameras: has no effect without role; add role")
		}
	}
	return a
}

func (d *decoder) emptyAuth(v *value) {
	d.errorf(v.node, `auth: is empty; add users_file or users, or, for everybody, "anonymous: view", or remove the key`)
}

// checkPermission reports a role that cannot be limited to cameras, and names the cameras that must exist.
func (d *decoder) checkPermission(v *value, p Permission) {
	at := v.get("cameras")
	if at == nil {
		return
	}
	if p.Role == "metrics" {
		d.errorf(at.key, "cameras: does not apply to the role metrics, because /metrics covers all cameras; remove it")
	}
	for _, item := range at.items {
		if id, ok := item.data.(string); ok && !item.bad && !IsPattern(id) {
			d.cameraRefs = append(d.cameraRefs, cameraRef{id, item, false})
		}
	}
}

// IsPattern reports whether a text in a list of cameras is a pattern and not an id.
func IsPattern(s string) bool { return strings.ContainsAny(s, `*?[\`) }

// usersFile reads the file with users.
func (d *decoder) usersFile(v *value) (f NamedFile) {
	if v == nil || v.bad {
		return f
	}
	f.Path = v.data.(string)
	data, err := readRegularFile(f.Path, maxUsersFileSize)
	switch {
	case err != nil:
		d.report(v, err.Error())
	case len(data) > maxUsersFileSize:
		d.errorf(v.node, "users_file: %s is larger than 1 MiB; it must contain one line for each user", f.Path)
	}
	f.Content = Secret(data)
	return f
}

// namedSecret reads a file with one line.
func (d *decoder) namedSecret(v *value) (f NamedFile) {
	if v == nil || v.bad {
		return f
	}
	path := v.data.(string)
	return NamedFile{path, d.secretFile(v)}
}

// users returns the entries of users.
func (d *decoder) users(v *value) (all []User) {
	if v == nil {
		return nil
	}
	for _, entry := range v.order {
		if entry.bad || entry.fields == nil {
			continue
		}
		u := User{Name: entry.key.Value}
		decode(entry.schema, entry, &u)
		u.HasHash = entry.fields["hash"] != nil || entry.fields["password"] != nil // the latter has been reported
		u.HasPermission = entry.get("role") != nil || entry.get("cameras") != nil
		d.checkPermission(entry, u.Permission)
		all = append(all, u)
	}
	return all
}

// tokens returns the entries of tokens.
func (d *decoder) tokens(v *value) (all []Token) {
	if v == nil {
		return nil
	}
	for _, entry := range v.order {
		if entry.bad || entry.fields == nil {
			continue
		}
		t := Token{Name: entry.key.Value}
		decode(entry.schema, entry, &t)
		file, hash := entry.get("token_file"), entry.get("hash")
		t.TokenFile = d.namedSecret(file)
		switch {
		case file != nil && hash != nil:
			d.bothGiven(file, hash)
		case file == nil && hash == nil && entry.get("role") != nil:
			d.errorf(entry.key, "tokens: %q has no token_file or hash; run camd new-token to get both, and add one", t.Name)
		}
		d.checkPermission(entry, t.Permission)
		all = append(all, t)
	}
	return all
}
