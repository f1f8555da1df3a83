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
			parsedSecretFile(d, key, n, &to.Hash, access.HashToken)
		}},
		{"hash", func(d *decoder, key string, n *yaml.Node, to *tokenEntry) {
			parsedSecret(d, key, n, &to.Hash, access.ParseTokenHash)
		}},
	}
}

func readTokens(d *decoder, key string, n *yaml.Node, to *authEntry) {
	sums := map[access.TokenHash]string{}
	userOrTokenMap(d, key, "prometheus: {role: metrics, token_file: prometheus.token}", n, func(nameNode, value *yaml.Node) {
		e := tokenEntry{access.Token{Name: nameNode.Value}}
		given := decode(d, key, value, tokenFields(), &e)
		file, hash := given["token_file"], given["hash"]
		switch other := sums[e.Hash]; {
		case value.Kind != yaml.MappingNode && !isNull(value): // reported
		case given["role"] == nil:
			d.errorf(nameNode, "tokens: %q has no role; want view, control, admin or metrics", nameNode.Value)
		case file != nil && hash != nil:
			d.errorf(laterNode(file, hash), "token_file and hash are both given; keep one")
		case file == nil && hash == nil:
			d.errorf(nameNode, "tokens: %q has neither token_file nor hash; camd new-token makes both", nameNode.Value)
		case other != "":
			d.errorf(nameNode, "tokens: %q is the same token as %q; make another with camd new-token", nameNode.Value, other)
		}
		d.checkPermission(e.Permission, given)
		if e.Hash != (access.TokenHash{}) {
			sums[e.Hash] = nameNode.Value
		}
		to.Tokens = append(to.Tokens, e.Token)
	})
}

// parsedSecret reads a text that no message repeats.
func parsedSecret[V any](d *decoder, key string, n *yaml.Node, to *V, parse func(string) (V, error)) {
	var s string
	if d.secret(key, n, &s); s == "" {
		return
	}
	v, err := parse(s)
	if err != nil {
		d.errorf(n, "%s: %v", key, err)
		return
	}
	*to = v
}

// parsedSecretFile reads a file with a text that no message repeats.
func parsedSecretFile[V any](d *decoder, key string, n *yaml.Node, to *V, parse func(string) (V, error)) {
	var s string
	if d.secretFile(key, n, &s); s == "" {
		return
	}
	v, err := parse(s)
	if err != nil {
		d.errorf(n, "%s: in %s: %v", key, d.resolvePath(n.Value), err)
		return
	}
	*to = v
}
