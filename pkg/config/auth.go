package config

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"camd/pkg/access"

	"go.yaml.in/yaml/v3"
)

// Auth says who may see and do what.
type Auth struct {
	Anonymous       access.Permission // of requests without a login; the zero value allows nothing
	Users           []access.User
	Tokens          []access.Token
	LinkKey         access.LinkKey // empty: camd creates one in StateDir
	LinkKeyFile     string         // the file that LinkKey was read from
	SessionIdle     time.Duration
	SessionLifetime time.Duration
	Proxies         access.Proxies
	ForwardAuth     access.ForwardAuth
}

// DefaultAuth returns the defaults of the section auth. They give nobody access.
func DefaultAuth() *Auth {
	return &Auth{SessionIdle: 7 * 24 * time.Hour, SessionLifetime: 30 * 24 * time.Hour}
}

// authEntry is the section auth as the file has it.
type authEntry struct {
	Auth
	users     []userEntry
	usersFile string            // with more users
	userLines []access.UserLine // of that file
}

func authFields() []field[authEntry] {
	return []field[authEntry]{
		{"anonymous", readAnonymous},
		{"users_file", readUsersFile},
		{"users", readUsers},
		{"tokens", readTokens},
		{"link_key_file", readLinkKey},
		{"session", section(sessionFields(), func(e *authEntry) *Auth { return &e.Auth })},
		{"trusted_proxies", readProxies},
		{"forward_auth", readForwardAuth},
	}
}

func sessionFields() []field[Auth] {
	return []field[Auth]{
		{"idle", duration(func(a *Auth) *time.Duration { return &a.SessionIdle }, time.Minute, 365*24*time.Hour)},
		{"lifetime", duration(func(a *Auth) *time.Duration { return &a.SessionLifetime }, time.Minute, 365*24*time.Hour)},
	}
}

// permissionEntry is a permission as the file has it.
type permissionEntry struct{ access.Permission }

func permissionFields() []field[permissionEntry] {
	return []field[permissionEntry]{
		{"role", readRole(func(e *permissionEntry) *access.Role { return &e.Role })},
		{"cameras", readScope(func(e *permissionEntry) *access.Scope { return &e.Cameras })},
	}
}

// readAuth reads the section auth. A section that gives nobody access is a mistake. So is an empty section: without auth everybody on
// this machine has full access, and a file that was cut short may end there.
func readAuth(d *decoder, key string, n *yaml.Node, to *Config) {
	e := authEntry{Auth: *DefaultAuth()}
	before := len(d.problems)
	given := decode(d, key, n, authFields(), &e)
	if len(given) == 0 {
		if len(d.problems) == before {
			d.errorf(n, `%s: is empty; add users_file or users, or, for everybody, "anonymous: view", or remove the key`, key)
		}
		return
	}
	to.Auth = &e.Auth
	d.mergeUsers(&e)
	f := e.ForwardAuth
	switch {
	case given["forward_auth"] != nil && len(e.Proxies.Networks) == 0 && !e.Proxies.Unix && given["trusted_proxies"] == nil:
		d.errorf(given["forward_auth"], "forward_auth: nobody is believed without trusted_proxies; add the proxy's address")
	case f.Header != "" && f.DefaultPermission.Role == "" && len(e.Users) == 0 && len(d.problems) == before:
		d.errorf(given["forward_auth"], "forward_auth: allows nobody; add a role for the users that the proxy names, or list them under users")
	case len(d.problems) == before && len(e.Users) == 0 && len(e.Tokens) == 0 && e.Anonymous.Role == "" && f.Header == "":
		d.errorf(n, `%s: lets nobody in; add users_file or users, which camd hash-password helps with, or, for everybody, "anonymous: view"`, key)
	}
}

// readAnonymous reads the permission of requests without a login: a role, a role at some cameras, or none.
func readAnonymous(d *decoder, key string, n *yaml.Node, to *authEntry) {
	if n.Kind == yaml.MappingNode {
		to.Anonymous = d.permission(key, n)
		return
	}
	s, ok := d.text(key, n, "a role")
	if !ok || s == "none" {
		return
	}
	r, err := access.ParseRole(s)
	if err != nil {
		d.errorf(n, "%s: %v, or none; got %s", key, err, quoteValue(n))
		return
	}
	to.Anonymous.Role = r
}

// permission reads a role and the cameras that it is for.
func (d *decoder) permission(key string, n *yaml.Node) access.Permission {
	var e permissionEntry
	given := decode(d, key, n, permissionFields(), &e)
	if n.Kind == yaml.MappingNode && given["role"] == nil {
		d.errorf(n, "%s: has no role; want view, control, admin or metrics", key)
	}
	d.checkPermission(e.Permission, given)
	return e.Permission
}

func (d *decoder) checkPermission(a access.Permission, given map[string]*yaml.Node) {
	if err := a.Check(); err != nil {
		d.errorf(given["cameras"], "cameras: %v", err)
	}
}

func readRole[T any](target func(*T) *access.Role) func(*decoder, string, *yaml.Node, *T) {
	return scalar(target, "view, control, admin or metrics", func(s string) (access.Role, bool) {
		r, err := access.ParseRole(s)
		return r, err == nil
	})
}

// readScope returns a reader of ids of cameras and patterns. A camera with each id must exist.
func readScope[T any](target func(*T) *access.Scope) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		d.textList(key, n, "[yard, front-*], or leave the key out for all", func(s string, item *yaml.Node) {
			if err := access.CheckPattern(s); err != nil {
				d.errorf(item, "%s: %v, got %s", key, err, quoteValue(item))
				return
			}
			if *target(to) = append(*target(to), s); !isPattern(s) {
				d.cameraRefs = append(d.cameraRefs, cameraRef{id: s, key: key, node: item})
			}
		})
	}
}

func isPattern(s string) bool { return strings.ContainsAny(s, `*?[\`) }

func readForwardAuth(d *decoder, key string, n *yaml.Node, to *authEntry) {
	given := decode(d, key, n, forwardAuthFields(), &to.ForwardAuth)
	if n.Kind == yaml.MappingNode && given["user_header"] == nil {
		d.errorf(n, "%s: has no user_header; want the header in which the proxy says who asks, such as Remote-User", key)
	}
	if to.ForwardAuth.DefaultPermission.Role == "" && given["cameras"] != nil {
		d.errorf(given["cameras"], "cameras: there is no role to hold there; add role")
	}
	d.checkPermission(to.ForwardAuth.DefaultPermission, given)
}

// browserHeaders are headers that browsers and other clients set, and that proxies pass on unchanged.
var browserHeaders = []string{"Authorization", "Cookie", "Host", "Origin", "Referer", "User-Agent"}

func forwardAuthFields() []field[access.ForwardAuth] {
	return []field[access.ForwardAuth]{
		{"user_header", scalar(func(f *access.ForwardAuth) *string { return &f.Header }, "a header's name that the proxy alone sets, such as Remote-User", func(s string) (string, bool) {
			return s, s != "" && len(s) <= 100 && !strings.ContainsFunc(s, notInHeaderName) && !slices.Contains(browserHeaders, http.CanonicalHeaderKey(s))
		})},
		{"role", readRole(func(f *access.ForwardAuth) *access.Role { return &f.DefaultPermission.Role })},
		{"cameras", readScope(func(f *access.ForwardAuth) *access.Scope { return &f.DefaultPermission.Cameras })},
	}
}

func notInHeaderName(r rune) bool { return r == '.' || notInHostName(r) }

func readLinkKey(d *decoder, key string, n *yaml.Node, to *authEntry) {
	parsedSecretFile(d, key, n, &to.LinkKey, access.ParseLinkKey)
	to.LinkKeyFile = d.resolvePath(n.Value)
}
