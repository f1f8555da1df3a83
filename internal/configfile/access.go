package configfile

import (
	"net/netip"
	"slices"

	"camd/pkg/access"
	"camd/pkg/config"
)

// AccessOptions returns what the section auth allows, without sessions. Everybody has full access if there is no such section.
func AccessOptions(c *config.Config) access.Options {
	o, _ := readAccess(c, false)
	return o
}

// permission returns a permission of the configuration.
func permission(p config.Permission) access.Permission {
	return access.Permission{Role: access.Role(p.Role), Cameras: access.Scope(p.Cameras)}
}

// accessReader reads the section auth, and collects mistakes that package config cannot see.
type accessReader struct {
	*config.Config
	options  access.Options
	problems []config.Problem
}

// readAccess reads the section auth. good says that the configuration has no mistakes so far; otherwise it does not report that nobody
// has access, because they may be the reason.
func readAccess(c *config.Config, good bool) (access.Options, []config.Problem) {
	if c.Auth == nil {
		return access.Options{Anonymous: access.Permission{Role: access.Admin}}, nil
	}
	r := accessReader{Config: c, options: access.Options{Anonymous: permission(c.Auth.Anonymous)}}
	r.readProxies()
	r.readTokens()
	if file := c.Auth.LinkKeyFile; file.Content != "" {
		key, err := access.ParseLinkKey(string(file.Content))
		r.check(err, "auth/link_key_file", "link_key_file: in "+file.Path)
		r.options.LinkKey = key
	}
	r.readUsers()
	if good && len(r.problems) == 0 {
		r.checkSomebodyHasAccess()
	}
	return r.options, r.problems
}

// check reports an error in the value of a key.
func (r *accessReader) check(err error, path, prefix string) {
	if err != nil {
		r.problems = append(r.problems, r.ProblemAt(path, "%s: %v", prefix, err))
	}
}

func (r *accessReader) readProxies() {
	for _, s := range r.Auth.TrustedProxies {
		if p, err := netip.ParsePrefix(s); err == nil {
			r.options.Proxies.Networks = append(r.options.Proxies.Networks, p)
		}
		r.options.Proxies.Unix = r.options.Proxies.Unix || s == "unix"
	}
	if f := r.Auth.ForwardAuth; f != nil {
		r.options.ForwardAuth = access.ForwardAuth{Header: f.UserHeader, DefaultPermission: permission(f.Permission)}
	}
}

func (r *accessReader) readTokens() {
	names := map[access.TokenHash]string{}
	for _, t := range r.Auth.Tokens {
		path := "auth/tokens/" + t.Name
		token := access.Token{Name: t.Name, Permission: permission(t.Permission)}
		var err error
		switch {
		case t.TokenFile.Content != "":
			token.Hash, err = access.HashToken(string(t.TokenFile.Content))
			r.check(err, path+"/token_file", "token_file: in "+t.TokenFile.Path)
		case t.Hash != "":
			token.Hash, err = access.ParseTokenHash(string(t.Hash))
			r.check(err, path+"/hash", "hash")
		default:
			continue // it has been reported
		}
		if other := names[token.Hash]; other != "" && err == nil {
			r.problems = append(r.problems, r.ProblemAtKey(path, "tokens: %q is the same token as %q; make another one with camd new-token", t.Name, other))
		}
		names[token.Hash] = t.Name
		r.options.Tokens = append(r.options.Tokens, token)
	}
}

// readUsers reads the users of the section and those of the file. A user in both has the hash of the file and the permission of the
// section.
func (r *accessReader) readUsers() {
	file := r.Auth.UsersFile
	lines, mistakes := access.ParseUsers(string(file.Content))
	for _, m := range mistakes {
		r.problems = append(r.problems, config.Problem{File: file.Path, Line: m.Line, Column: m.Column, Message: m.Message})
	}
	r.checkCameras(lines)
	for _, l := range lines {
		if !slices.ContainsFunc(r.Auth.Users, func(u config.User) bool { return u.Name == l.Name }) {
			r.options.Users = append(r.options.Users, l.User)
		}
	}
	for _, u := range r.Auth.Users {
		user := access.User{Name: u.Name, Permission: permission(u.Permission)}
		if u.Hash != "" {
			var err error
			user.Hash, err = access.ParseHash(string(u.Hash))
			r.check(err, "auth/users/"+u.Name+"/hash", "hash")
		}
		if i := slices.IndexFunc(lines, func(l access.UserLine) bool { return l.Name == u.Name }); i >= 0 {
			r.mergeUser(u, &user, lines[i])
		} else if !u.HasHash && r.Auth.ForwardAuth == nil {
			r.reportUser(u, "users: %q has no hash, here or in users_file; make one with camd hash-password", u.Name)
		}
		r.options.Users = append(r.options.Users, user)
	}
}

// mergeUser adds to a user what the users file says.
func (r *accessReader) mergeUser(u config.User, user *access.User, l access.UserLine) {
	switch {
	case u.HasHash:
		r.reportUser(u, "users: %q has a hash in %s, too, on line %d; remove one", u.Name, r.Auth.UsersFile.Path, l.Number)
	case u.HasPermission && l.HasRole:
		r.reportUser(u, "users: %q has a role in %s, too, on line %d; remove one", u.Name, r.Auth.UsersFile.Path, l.Number)
	case l.HasRole:
		user.Permission = l.Permission
	}
	user.Hash = l.Hash
}

func (r *accessReader) reportUser(u config.User, format string, args ...any) {
	r.problems = append(r.problems, r.ProblemAtKey("auth/users/"+u.Name, format, args...))
}

// checkCameras reports cameras in the users file that do not exist.
func (r *accessReader) checkCameras(lines []access.UserLine) {
	ids := r.CameraIDs()
	for _, l := range lines {
		for _, id := range l.Cameras {
			if config.IsPattern(id) || slices.Contains(ids, id) || r.CanBeRemoteCamera(id) {
				continue
			}
			r.problems = append(r.problems, config.Problem{File: r.Auth.UsersFile.Path, Line: l.Number, Column: 1,
				Message: "user " + l.Name + ": there is no camera " + config.Quote(id) + config.SuggestCamera(id, ids)})
		}
	}
}

// checkSomebodyHasAccess reports a section that allows nothing to anybody.
func (r *accessReader) checkSomebodyHasAccess() {
	o := r.options
	switch {
	case o.ForwardAuth.Header != "" && o.ForwardAuth.DefaultPermission.Role == "" && len(o.Users) == 0:
		r.problems = append(r.problems, r.ProblemAtKey("auth/forward_auth",
			"forward_auth: allows nobody; add role for all users of the proxy, or list them under users"))
	case len(o.Users) == 0 && len(o.Tokens) == 0 && o.Anonymous.Role == "" && o.ForwardAuth.Header == "":
		r.problems = append(r.problems, r.ProblemAt("auth",
			`auth: allows nobody; add users_file or users (camd hash-password makes them), or, for everybody, "anonymous: view"`))
	}
}
