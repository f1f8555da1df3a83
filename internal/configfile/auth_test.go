package configfile

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"camd/pkg/access"
	"camd/pkg/config"
)

// hunter2Hash is a hash of that password, by the argon2 command.
const hunter2Hash = "$argon2id$v=19$m=8192,t=2,p=4$c29tZXNhbHQxMjM0$hPzMirs1HJ0kB71Mwe3z4oTvSUmSIg2k"

const twoCameras = "cameras: [{id: yard, source: 'test://'}, {id: front-door, source: 'test://'}]\n"

// oneCamera is what a configuration needs at least.
const oneCamera = "cameras: [{id: only, source: 'test://'}]\n"

func env(string) (string, bool) { return "", false }

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestParseReadsAuth(t *testing.T) {
	dir := t.TempDir()
	token, key := access.NewToken(), access.NewLinkKey()
	writeFile(t, filepath.Join(dir, "users"), "anna:"+hunter2Hash+":admin\nguest:"+hunter2Hash+"\n")
	writeFile(t, filepath.Join(dir, "prometheus.token"), token+"\n")
	writeFile(t, filepath.Join(dir, "link.key"), key+"\n")
	sum, err := access.HashToken(token)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := access.ParseHash(hunter2Hash)
	if err != nil {
		t.Fatal(err)
	}
	linkKey, err := access.ParseLinkKey(key)
	if err != nil {
		t.Fatal(err)
	}
	other := access.NewToken()
	otherSum, err := access.HashToken(other)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse(filepath.Join(dir, "camd.yaml"), []byte(`
auth:
  anonymous: {role: view, cameras: [yard]}
  users_file: users
  users:
    guest: {role: control, cameras: [front-*, yard]}
    bob: {hash: "`+hunter2Hash+`"}
    phil:
  tokens:
    prometheus: {role: metrics, token_file: prometheus.token}
    kiosk: {role: view, cameras: [yard], hash: "`+otherSum.String()+`"}
  link_key_file: link.key
  session: {idle: 1h, lifetime: 24h}
  trusted_proxies: [127.0.0.1, 10.0.0.0/8, "fd00::/8", "::ffff:192.0.2.1", unix]
  forward_auth: {user_header: Remote-User, role: view, cameras: [front-door]}
`+twoCameras), env)
	if err != nil {
		t.Fatal(err)
	}
	want := access.Options{
		Anonymous: access.Permission{Role: access.View, Cameras: access.Scope{"yard"}},
		Users: []access.User{
			{Name: "anna", Hash: hash, Permission: access.Permission{Role: access.Admin}},
			{Name: "guest", Hash: hash, Permission: access.Permission{Role: access.Control, Cameras: access.Scope{"front-*", "yard"}}},
			{Name: "bob", Hash: hash, Permission: access.Permission{Role: access.View}},
			{Name: "phil", Permission: access.Permission{Role: access.View}},
		},
		Tokens: []access.Token{
			{Name: "prometheus", Hash: sum, Permission: access.Permission{Role: access.Metrics}},
			{Name: "kiosk", Hash: otherSum, Permission: access.Permission{Role: access.View, Cameras: access.Scope{"yard"}}},
		},
		LinkKey: linkKey,
		Proxies: access.Proxies{Unix: true, Networks: []netip.Prefix{
			netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.1/32"),
		}},
		ForwardAuth: access.ForwardAuth{Header: "Remote-User", DefaultPermission: access.Permission{Role: access.View, Cameras: access.Scope{"front-door"}}},
	}
	if got := AccessOptions(cfg); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	session := config.Session{Idle: time.Hour, Lifetime: 24 * time.Hour}
	if a := cfg.Auth; a.Session != session || a.LinkKeyFile.Path != filepath.Join(dir, "link.key") {
		t.Errorf("got %+v", a)
	}
	if text := fmt.Sprintf("%v %+v %#v", cfg.Auth, cfg.Auth, cfg); strings.Contains(text, "$argon") || strings.Contains(text, fmt.Sprint([]byte(linkKey)[:8])) {
		t.Errorf("a secret is printed: %s", text)
	}
}

// beyondSchema are parts of messages about what only camd can check.
var beyondSchema = []string{
	// other files
	"DIR", "no such file", "is not the key of",
	// hashes and tokens, which package access parses
	"must be an argon2id or bcrypt hash", "must be sha256:", "is the same token",
	// keys that depend on others
	"allows nobody", "auth: is empty", "there is no camera", "has no hash", "has no token_file", "without trusted_proxies", "without role",
	"the role metrics", "conflicts with", "needs client_ca", "tls: the section has no",
	// bounds of durations and networks
	"a duration from", "a time from", "trust all clients", "for the network",
	// names of headers that browsers send
	`is "authorization"`,
	// patterns that path.Match cannot read
	`is "["`,
}

func TestAuthMistakesAreReported(t *testing.T) {
	dir := t.TempDir()
	token := access.NewToken()
	for name, text := range map[string]string{
		"users": "anna:" + hunter2Hash + "\n", "said": "anna:" + hunter2Hash + ":admin\n", "plain": "# people\nanna:hunter2\nbob:$apr1$hunter2$x:admin\n",
		"elsewhere": "anna:" + hunter2Hash + ":view:yardd\n", "token": token, "short": "hunter2", "lines": token + "\n" + token, "large": strings.Repeat("#", 1<<20+1),
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	for _, c := range []struct{ auth, want string }{
		{"", `C:1:6: auth: is empty; add users_file or users, or, for everybody, "anonymous: view", or remove the key`}, {"{}", "C:1:7: auth: is empty"},
		{"{anonymous: none}", `C:1:7: auth: allows nobody; add users_file or users (camd hash-password makes them), or, for everybody, "anonymous: view"`},
		{"{session: {idle: 1h}}", `C:1:7: auth: allows nobody; add users_file or users (camd hash-password makes them), or, for everybody, "anonymous: view"`},
		{"view", `C:1:7: auth: must be a group of keys, such as "anonymous:", is a text`},
		{"{anonymous: root}", `C:1:19: anonymous: must be view, control, admin, metrics or none, is "root"`},
		{"{anonymous: [view]}", "C:1:19: anonymous: must be view, control, admin, metrics or none, is a list"},
		{"{anonymous: {cameras: [yard]}}", "C:1:19: anonymous: the section has no role; it must be view, control, admin or metrics"},
		{"{anonymous: {role: view, cameras: [yardd]}}", `C:1:42: cameras: there is no camera "yardd"; did you mean "yard"?`},
		{"{anonymous: {role: view, cameras: ['[']}}", `C:1:42: cameras: must be the id of a camera, or a pattern such as front-*, is "["`},
		{"{anonymous: {role: view, cameras: []}}", "C:1:41: cameras: must be a list such as [yard, front-*], is an empty list; remove the key to allow all cameras"},
		{"{anonymous: {role: metrics, cameras: [yard]}}", "C:1:35: cameras: does not apply to the role metrics, because /metrics covers all cameras; remove it"},
		{"{users_file: none}", "C:1:20: users_file: no such file or directory, below DIR; camd hash-password prints its lines"},
		{"{users_file: .}", "C:1:20: users_file: DIR is not a regular file"},
		{"{users_file: large}", "C:1:20: users_file: DIR/large is larger than 1 MiB"},
		{"{users_file: ''}", "C:1:20: users_file: must be the path of a file, is empty"},
		{"{users_file: plain}", "DIR/plain:2:6: must be an argon2id or bcrypt hash, not a plain-text password; make one with camd hash-password\n" +
			"DIR/plain:3:5: an MD5 hash is not accepted; make one with camd hash-password (argon2id), or with htpasswd -B -C 12 (bcrypt)"},
		{"{users_file: elsewhere}", `DIR/elsewhere:1:1: user anna: there is no camera "yardd"; did you mean "yard"?`},
		{"{users: [anna]}", `C:1:15: users: must be names with roles, such as "anna: {role: admin}", is a list`},
		{"{users: {'an na': {role: view}}}", "C:1:16: users: every name must be 1 to 64 of A-Z, a-z, 0-9 and . _ @ + -"},
		{"{users: {anna: {role: admin}}}", `C:1:16: users: "anna" has no hash, here or in users_file; make one with camd hash-password`},
		{"{users: {anna: {hash: hunter2}}}", "C:1:29: hash: must be an argon2id or bcrypt hash, not a plain-text password; make one with camd hash-password"},
		{"{users: {anna: {password: hunter2}}}", "C:1:23: password: must not be in plain text; replace it by hash, which camd hash-password prints"},
		{"{users: {anna: {role: root, hash: '" + hunter2Hash + "'}}}", `C:1:29: role: must be view, control, admin or metrics, is "root"`},
		{"{users_file: users, users: {anna: {hash: '" + hunter2Hash + "'}}}", `C:1:35: users: "anna" has a hash in DIR/users, too, on line 1; remove one`},
		{"{users_file: said, users: {anna: {role: view}}}", `C:1:34: users: "anna" has a role in DIR/said, too, on line 1; remove one`},
		{"{tokens: {a: {role: view}}}", `C:1:17: tokens: "a" has no token_file or hash; run camd new-token to get both, and add one`},
		{"{tokens: {a: {role: view, token: x, token_file: token}}}", `C:1:33: unknown key "token", did you mean "token_file"?`},
		{"{tokens: {a: {token_file: token}}}", `C:1:17: tokens: "a" has no role; it must be view, control, admin or metrics`},
		{"{tokens: {a: }}", `C:1:17: tokens: "a" has no role; it must be view, control, admin or metrics`},
		{"{tokens: {a: x}}", `C:1:20: tokens: must be a group of keys, such as "role:", is a text`},
		{"{tokens: {a: {role: view, token_file: short}}}", "C:1:45: token_file: in DIR/short: a token must be at least 32 printable characters without spaces; make one with camd new-token"},
		{"{tokens: {a: {role: view, token_file: lines}}}", "C:1:45: token_file: DIR/lines has more than one line or a control character in it"},
		{"{tokens: {a: {role: view, hash: " + token + "}}}", "C:1:39: hash: must be sha256: and 64 hexadecimal digits, as camd new-token prints them; put the token itself into a token_file"},
		{"{tokens: {a: {role: view, token_file: token}, b: {role: view, token_file: token}}}", `C:1:53: tokens: "b" is the same token as "a"; make another one with camd new-token`},
		{"{anonymous: view, link_key_file: short}", "C:1:40: link_key_file: in DIR/short: must be 32 to 128 random bytes in base64; make them with camd rotate-links or openssl rand -base64 32"},
		{"{anonymous: view, link_key_file: none}", "C:1:40: link_key_file: no such file or directory, below DIR"},
		{"{anonymous: view, session: {idle: 1s}}", `C:1:41: idle: must be a duration from 1m to 8760h, such as 168h, is "1s"`},
		{"{anonymous: view, trusted_proxies: [proxy]}", `C:1:43: trusted_proxies: must be an address or network, such as 10.0.0.0/8, or unix, is "proxy"`},
		{"{anonymous: view, trusted_proxies: [0.0.0.0/0]}", `C:1:43: trusted_proxies: must be the address or network of the proxy, is "0.0.0.0/0"; this network would trust all clients`},
		{"{anonymous: view, trusted_proxies: [10.0.0.1/8]}", `C:1:43: trusted_proxies: must be 10.0.0.0/8 for the network, or 10.0.0.1 for the address, is "10.0.0.1/8"`},
		{"{anonymous: view, forward_auth: {user_header: Remote-User, role: view}}", "C:1:25: forward_auth: has no effect without trusted_proxies; add the address of the proxy"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {role: view}}", "C:1:51: forward_auth: the section has no user_header; it must be the name of a header that only the proxy sets, such as Remote-User"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: Remote-User}}", "C:1:37: forward_auth: allows nobody; add role for all users of the proxy, or list them under users"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: 'Remote User', role: view}}", `C:1:65: user_header: must be the name of a header that only the proxy sets, such as Remote-User, is "Remote User"`},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: authorization, role: view}}", `C:1:65: user_header: must be the name of a header that only the proxy sets, such as Remote-User, is "authorization"`},
		{"{anonymous: view, trusted_proxies: []}", "C:1:42: trusted_proxies: must be a list such as [127.0.0.1, 10.0.0.0/8], is an empty list; remove the key if there is no proxy"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: Remote-User, cameras: [yard]}}", "C:1:78: cameras: has no effect without role; add role"},
	} {
		_, err := Parse(filepath.Join(dir, "camd.yaml"), []byte("auth: "+c.auth+"\n"+twoCameras), env)
		got := strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(err), dir+"/camd.yaml", "C"), dir, "DIR")
		if first, _, _ := strings.Cut(got, "\n"); !strings.HasPrefix(got, c.want) || strings.Contains(c.want, "\n") != (first != got) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.auth, got, c.want)
		}
		checkEditorSchema(t, "auth: "+c.auth+"\n"+twoCameras, got)
		if strings.Contains(got, "hunter2") || strings.Contains(got, token) {
			t.Errorf("%s: a secret is in the message: %s", c.auth, got)
		}
	}
}
