package access

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"golang.org/x/sync/singleflight"
)

// Options are who may do what. The zero Options let nobody do anything.
type Options struct {
	Anonymous    Permission // what everybody may
	Users        []User     // of different names
	Tokens       []Token
	LinkKey      LinkKey // empty: there are no links
	Proxies      Proxies
	ForwardAuth  ForwardAuth
	Sessions     *Sessions     // nil makes its own
	LoginLimiter *LoginLimiter // nil makes its own

	limit *Authenticator // see Gate.Within
}

// ForwardAuth is for a proxy that knows who asks, and says so in a header. Only Options.Proxies are believed.
type ForwardAuth struct {
	Header            string     // such as Remote-User; empty: none
	DefaultPermission Permission // what those may whom the proxy names and who are not among Users
}

// Authenticator knows who may what. It never changes; its methods are safe for concurrent use.
type Authenticator struct {
	options            Options
	users              map[string]userRecord
	tokens             map[TokenHash]Token
	decoyHashes        []Hash // of users that have one
	verified           *verifiedCredentials
	inFlight           singleflight.Group // password checks in progress, by the hash of their credentials
	linkKeyFingerprint [sha256.Size]byte
}

// New returns an authenticator.
func New(o Options) *Authenticator {
	if o.Sessions == nil {
		o.Sessions, _ = OpenSessions(SessionOptions{}) // without a file there is nothing to fail
	}
	if o.LoginLimiter == nil {
		o.LoginLimiter = NewLoginLimiter()
	}
	g := &Authenticator{options: o, users: map[string]userRecord{}, tokens: map[TokenHash]Token{}, verified: newVerifiedCredentials(), linkKeyFingerprint: sha256.Sum256(o.LinkKey)}
	for _, u := range o.Users {
		g.users[u.Name] = userRecord{u, u.Hash.fingerprint()}
		if !u.Hash.IsZero() {
			g.decoyHashes = append(g.decoyHashes, u.Hash)
		}
	}
	for _, t := range o.Tokens {
		g.tokens[t.Hash] = t
	}
	return g
}

// HasLogin reports whether there is anybody who could log in with a password.
func (a *Authenticator) HasLogin() bool { return len(a.decoyHashes) > 0 }

// HasLinks reports whether links can be made.
func (a *Authenticator) HasLinks() bool { return len(a.options.LinkKey) > 0 }

// Identify returns what a request may do, or ErrNoCredentials, ErrWrongCredentials, ErrExpired or a *RetryLaterError.
func (a *Authenticator) Identify(r *http.Request) (Grant, error) {
	grant, err := a.identify(r)
	if err != nil {
		return Grant{}, err
	}
	if grant, ok := a.limitGrant(grant); ok {
		return grant, nil
	}
	return Grant{}, ErrNoCredentials
}

func (a *Authenticator) identify(r *http.Request) (Grant, error) {
	if grant, err, given := a.byHeader(r); given {
		return grant, err
	}
	noGrant := ErrNoCredentials
	sessionGrant, hasSession := a.bySession(r)
	if text := linkParameter(r); text != "" {
		grant, err := a.byLink(text)
		if err == nil && !(hasSession && sessionGrant.CanSee(grant.name)) { // who has logged in may have been sent a link to what he does not see
			return grant, nil
		}
		noGrant = err
	}
	if hasSession {
		return sessionGrant, nil
	}
	if grant, ok := a.byProxy(r); ok {
		return grant, nil
	}
	if a.options.Anonymous.Role != "" {
		return Grant{Identity: string(ByAnonymous), Kind: ByAnonymous, permission: a.options.Anonymous}, nil
	}
	return Grant{}, noGrant
}

func (a *Authenticator) bySession(r *http.Request) (Grant, bool) {
	id := a.sessionID(r)
	if id == "" {
		return Grant{}, false
	}
	s, ok := a.options.Sessions.touchByID(id)
	if !ok {
		return Grant{}, false
	}
	u, ok := a.users[s.user]
	return u.sessionGrant(s), ok && u.fingerprint == s.fingerprint
}

// byHeader is what comes of the header Authorization, if it has what could be right here: a proxy may have put in what is its own.
func (a *Authenticator) byHeader(r *http.Request) (grant Grant, err error, given bool) {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") && len(a.tokens) > 0 {
		t, ok := a.tokens[sha256.Sum256([]byte(strings.TrimSpace(token)))] // it is no secret how long this takes: the hash is not the sender's choice
		if !ok {
			return Grant{}, ErrWrongCredentials, true
		}
		return t.grant(), nil, true
	}
	user, password, ok := r.BasicAuth()
	if !ok || !a.HasLogin() {
		return Grant{}, nil, false
	}
	u, err := a.verifyPassword(a.Client(r), user, password)
	if err != nil {
		return Grant{}, err, true
	}
	return u.grant(ByPassword), nil, true
}

func (t Token) grant() Grant {
	return Grant{Identity: "token " + t.Name, Kind: ByToken, permission: t.Permission, name: t.Name, fingerprint: t.Hash}
}

// byProxy is whom a proxy vouches for.
func (a *Authenticator) byProxy(r *http.Request) (Grant, bool) {
	f := a.options.ForwardAuth
	if f.Header == "" || !a.options.Proxies.isTrusted(r) {
		return Grant{}, false
	}
	names := r.Header.Values(f.Header)
	if len(names) != 1 || names[0] == "" || len(names[0]) > maxNameLength {
		return Grant{}, false // of two, one may be the client's own
	}
	return a.proxyGrant(names[0])
}

func (a *Authenticator) proxyGrant(name string) (Grant, bool) {
	if u, ok := a.users[name]; ok {
		return Grant{Identity: name, Kind: ByProxy, permission: u.Permission, name: name}, true
	}
	permission := a.options.ForwardAuth.DefaultPermission
	return Grant{Identity: name, Kind: ByProxy, permission: permission, name: name}, permission.Role != ""
}

// linkParameter returns the signature in a request's query, empty if none.
func linkParameter(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, LinkParameter+"=") { // most have none, and need not be taken apart
		return ""
	}
	return r.URL.Query().Get(LinkParameter)
}

// HasUser reports whether there is a user of that name. It is for logs, since what is typed as a name may be a password; nobody who
// asks is to learn it.
func (a *Authenticator) HasUser(name string) bool {
	_, ok := a.users[name]
	return ok
}
