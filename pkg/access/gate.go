package access

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"golang.org/x/sync/singleflight"
)

// Options are who may do what. The zero Options let nobody do anything.
type Options struct {
	Anonymous   Allowance // what everybody may
	Users       []User    // of different names
	Tokens      []Token
	LinkKey     LinkKey // empty: there are no links
	Proxies     Proxies
	ForwardAuth ForwardAuth
	Sessions    *Sessions // nil makes its own
	Attempts    *Attempts // nil makes its own

	within *Gate // see Gate.Within
}

// ForwardAuth is for a proxy that knows who asks, and says so in a header. Only Options.Proxies are believed.
type ForwardAuth struct {
	Header string    // such as Remote-User; empty: none
	Others Allowance // what those may whom the proxy names and who are not among Users
}

// Gate knows who may what. It never changes; its methods are safe for concurrent use.
type Gate struct {
	o          Options
	users      map[string]known
	tokens     map[TokenSum]Token
	hashes     []Hash // of users that have one
	remembered *remembered
	checking   singleflight.Group // of passwords, by remembered's sum
	linkPrint  [sha256.Size]byte
}

// New returns a gate.
func New(o Options) *Gate {
	if o.Sessions == nil {
		o.Sessions, _ = OpenSessions(SessionOptions{}) // without a file there is nothing to fail
	}
	if o.Attempts == nil {
		o.Attempts = NewAttempts()
	}
	g := &Gate{o: o, users: map[string]known{}, tokens: map[TokenSum]Token{}, remembered: newRemembered(), linkPrint: sha256.Sum256(o.LinkKey)}
	for _, u := range o.Users {
		g.users[u.Name] = known{u, u.Hash.print()}
		if !u.Hash.IsZero() {
			g.hashes = append(g.hashes, u.Hash)
		}
	}
	for _, t := range o.Tokens {
		g.tokens[t.Sum] = t
	}
	return g
}

// HasLogin reports whether there is anybody who could log in with a password.
func (g *Gate) HasLogin() bool { return len(g.hashes) > 0 }

// HasLinks reports whether links can be made.
func (g *Gate) HasLinks() bool { return len(g.o.LinkKey) > 0 }

// Identify returns what a request may do, or ErrNone, ErrWrong, ErrExpired or a *LaterError.
func (g *Gate) Identify(r *http.Request) (Grant, error) {
	grant, err := g.identify(r)
	if err != nil {
		return Grant{}, err
	}
	if grant, ok := g.bound(grant); ok {
		return grant, nil
	}
	return Grant{}, ErrNone
}

func (g *Gate) identify(r *http.Request) (Grant, error) {
	if grant, err, given := g.byHeader(r); given {
		return grant, err
	}
	refused := ErrNone
	own, inside := g.bySession(r)
	if text := linkOf(r); text != "" {
		grant, err := g.byLink(text)
		if err == nil && !(inside && own.Sees(grant.name)) { // who has logged in may have been sent a link to what he does not see
			return grant, nil
		}
		refused = err
	}
	if inside {
		return own, nil
	}
	if grant, ok := g.byProxy(r); ok {
		return grant, nil
	}
	if g.o.Anonymous.Role != "" {
		return Grant{Who: string(ByNothing), Kind: ByNothing, allowance: g.o.Anonymous}, nil
	}
	return Grant{}, refused
}

func (g *Gate) bySession(r *http.Request) (Grant, bool) {
	id := g.sessionOf(r)
	if id == "" {
		return Grant{}, false
	}
	s, ok := g.o.Sessions.use(id)
	if !ok {
		return Grant{}, false
	}
	u, ok := g.users[s.user]
	return u.during(s), ok && u.print == s.print
}

// byHeader is what comes of the header Authorization, if it has what could be right here: a proxy may have put in what is its own.
func (g *Gate) byHeader(r *http.Request) (grant Grant, err error, given bool) {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") && len(g.tokens) > 0 {
		t, ok := g.tokens[sha256.Sum256([]byte(strings.TrimSpace(token)))] // it is no secret how long this takes: the hash is not the sender's choice
		if !ok {
			return Grant{}, ErrWrong, true
		}
		return t.grant(), nil, true
	}
	user, password, ok := r.BasicAuth()
	if !ok || !g.HasLogin() {
		return Grant{}, nil, false
	}
	u, err := g.check(g.Client(r), user, password)
	if err != nil {
		return Grant{}, err, true
	}
	return u.grant(ByBasic), nil, true
}

func (t Token) grant() Grant {
	return Grant{Who: "token " + t.Name, Kind: ByToken, allowance: t.Allowance, name: t.Name, print: t.Sum}
}

// byProxy is whom a proxy vouches for.
func (g *Gate) byProxy(r *http.Request) (Grant, bool) {
	f := g.o.ForwardAuth
	if f.Header == "" || !g.o.Proxies.trusts(r) {
		return Grant{}, false
	}
	names := r.Header.Values(f.Header)
	if len(names) != 1 || names[0] == "" || len(names[0]) > longestName {
		return Grant{}, false // of two, one may be the client's own
	}
	return g.vouched(names[0])
}

func (g *Gate) vouched(name string) (Grant, bool) {
	if u, ok := g.users[name]; ok {
		return Grant{Who: name, Kind: ByProxy, allowance: u.Allowance, name: name}, true
	}
	others := g.o.ForwardAuth.Others
	return Grant{Who: name, Kind: ByProxy, allowance: others, name: name}, others.Role != ""
}

// linkOf returns the signature in a request's query, empty if none.
func linkOf(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, LinkParameter+"=") { // most have none, and need not be taken apart
		return ""
	}
	return r.URL.Query().Get(LinkParameter)
}

// Knows reports whether there is a user of that name. It is for logs, since what is typed as a name may be a password; nobody who
// asks is to learn it.
func (g *Gate) Knows(name string) bool {
	_, ok := g.users[name]
	return ok
}
