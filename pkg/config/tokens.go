package config

import (
	"camd/pkg/access"

	"go.yaml.in/yaml/v3"
)

// tokenEntry is an entry of tokens as the file has it.
type tokenEntry struct{ access.Token }

func tokenFields() []field[tokenEntry] {
	return []field[tokenEntry]{
		{"role", readRole(func(e *tokenEntry) *access.Role { return &e.Role })},
		{"cameras", readScope(func(e *tokenEntry) *access.Scope { return &e.Cameras })},
		{"token_file", func(d *decoder, key string, n *yaml.Node, to *tokenEntry) {
			concealedFile(d, key, n, &to.Sum, access.SumToken)
		}},
		{"hash", func(d *decoder, key string, n *yaml.Node, to *tokenEntry) {
			concealed(d, key, n, &to.Sum, access.ParseTokenSum)
		}},
	}
}

func readTokens(d *decoder, key string, n *yaml.Node, to *authEntry) {
	sums := map[access.TokenSum]string{}
	mappingOfNames(d, key, "prometheus: {role: metrics, token_file: prometheus.token}", n, func(at, value *yaml.Node) {
		e := tokenEntry{access.Token{Name: at.Value}}
		given := decode(d, key, value, tokenFields(), &e)
		file, sum := given["token_file"], given["hash"]
		switch other := sums[e.Sum]; {
		case value.Kind != yaml.MappingNode && !isNull(value): // reported
		case given["role"] == nil:
			d.bad(at, "tokens: %q has no role; want view, control, admin or metrics", at.Value)
		case file != nil && sum != nil:
			d.bad(later(file, sum), "token_file and hash are both given; keep one")
		case file == nil && sum == nil:
			d.bad(at, "tokens: %q has neither token_file nor hash; camd new-token makes both", at.Value)
		case other != "":
			d.bad(at, "tokens: %q is the same token as %q; make another with camd new-token", at.Value, other)
		}
		d.checkGrant(e.Allowance, given)
		if e.Sum != (access.TokenSum{}) {
			sums[e.Sum] = at.Value
		}
		to.Tokens = append(to.Tokens, e.Token)
	})
}

// concealed reads a text that no message repeats.
func concealed[V any](d *decoder, key string, n *yaml.Node, to *V, parse func(string) (V, error)) {
	var s string
	if d.secret(key, n, &s); s == "" {
		return
	}
	v, err := parse(s)
	if err != nil {
		d.bad(n, "%s: %v", key, err)
		return
	}
	*to = v
}

// concealedFile reads a file with a text that no message repeats.
func concealedFile[V any](d *decoder, key string, n *yaml.Node, to *V, parse func(string) (V, error)) {
	var s string
	if d.secretFile(key, n, &s); s == "" {
		return
	}
	v, err := parse(s)
	if err != nil {
		d.bad(n, "%s: in %s: %v", key, d.path(n.Value), err)
		return
	}
	*to = v
}
