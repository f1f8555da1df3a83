package access

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"golang.org/x/sync/singleflight"
)

// Options of an authenticator. The zero Options allow nothing to anybody.
type Options struct {
	Anonymous    Permission // of requests without credentials
	Users        []User     // with different names
	Tokens       []Token
	LinkKey      LinkKey // empty disables links
	Proxies      Proxies
	ForwardAuth  ForwardAuth
	Sessions     *Sessions     // nil means new ones in memory
	LoginLimiter *LoginLimiter // nil means a new one

	limit *Authenticator // see Authenticator.Intersect
}

// ForwardAuth accepts users that a proxy has authenticated and names in a header. Only Options.Proxies may do that.
type ForwardAuth struct {
	Header            string     // such as Remote-User; empty disables it
	DefaultPermission Permission // of names that are not in Users
}

// Authenticator decides what a request may do. It is immutable, and its methods are safe for concurrent use.
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

// HasLogin reports whether any user has a password.
func (a *Authenticator) HasLogin() bool { return len(a.decoyHashes) > 0 }

// HasLinks reports whether links can be made.
func (a *Authenticator) HasLinks() bool { return len(a.options.LinkKey) > 0 }

// Identify returns the grant of a request. Its error is ErrNoCredentials, ErrWrongCredentials, ErrExpired or a *RetryLaterError.
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
		if err == nil && !(hasSession && sessionGrant.CanSee(grant.name)) { // a link may show a user a camera that the session does not
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

// byHeader returns the grant or the error of the header Authorization. given is false if the header has no credentials of a kind
// that is configured here: a proxy may have added its own.
func (a *Authenticator) byHeader(r *http.Request) (grant Grant, err error, given bool) {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") && len(a.tokens) > 0 {
		// The time of the lookup reveals nothing, because the sender cannot choose the hash.
		t, ok := a.tokens[sha256.Sum256([]byte(strings.TrimSpace(token)))]
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

// byProxy returns the grant of the user that a trusted proxy names.
func (a *Authenticator) byProxy(r *http.Request) (Grant, bool) {
	f := a.options.ForwardAuth
	if f.Header == "" || !a.options.Proxies.isTrusted(r) {
		return Grant{}, false
	}
	names := r.Header.Values(f.Header)
	if len(names) != 1 || names[0] == "" || len(names[0]) > maxNameLength {
		return Grant{}, false // if there are two, the client may have sent one
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

// linkParameter returns the value of LinkParameter in a request's query; empty if there is none.
func linkParameter(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, LinkParameter+"=") { // most queries need not be parsed
		return ""
	}
	return r.URL.Query().Get(LinkParameter)
}

// HasUser reports whether a user has that name. It is for logs only: an unknown name may be a mistyped password, and must not be
// logged. Do not show the result to clients.
func (a *Authenticator) HasUser(name string) bool {
	_, ok := a.users[name]
	return ok
}
