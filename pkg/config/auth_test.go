package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"camd/pkg/access"
)

// hunter2Hash is a hash of that password, by the argon2 command.
const hunter2Hash = "$argon2id$v=19$m=8192,t=2,p=4$c29tZXNhbHQxMjM0$hPzMirs1HJ0kB71Mwe3z4oTvSUmSIg2k"

const twoCameras = "cameras: [{id: yard, source: 'test://'}, {id: front-door, source: 'test://'}]\n"

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
	want := &Auth{
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
		LinkKey: linkKey, LinkKeyFile: filepath.Join(dir, "link.key"), SessionIdle: time.Hour, SessionLifetime: 24 * time.Hour,
		Proxies: access.Proxies{Unix: true, Networks: []netip.Prefix{
			netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.1/32"),
		}},
		ForwardAuth: access.ForwardAuth{Header: "Remote-User", DefaultPermission: access.Permission{Role: access.View, Cameras: access.Scope{"front-door"}}},
	}
	if !reflect.DeepEqual(cfg.Auth, want) {
		t.Errorf("got  %+v\nwant %+v", cfg.Auth, want)
	}
	if text := fmt.Sprintf("%v %+v %#v", cfg.Auth, cfg.Auth, cfg); strings.Contains(text, "$argon") || strings.Contains(text, fmt.Sprint([]byte(linkKey)[:8])) {
		t.Errorf("a secret is printed: %s", text)
	}
}

func TestAuthMistakesAreReported(t *testing.T) {
	dir := t.TempDir()
	token := access.NewToken()
	for name, text := range map[string]string{
		"users": "anna:" + hunter2Hash + "\n", "said": "anna:" + hunter2Hash + ":admin\n", "plain": "# people\nanna:hunter2\nbob:$apr1$hunter2$x:admin\n",
		"elsewhere": "anna:" + hunter2Hash + ":view:yardd\n", "token": token, "short": "hunter2", "lines": token + "\n" + token, "large": strings.Repeat("#", maxUsersFileSize+1),
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	for _, c := range []struct{ auth, want string }{
		{"", `C:1:6: auth: is empty; add users_file or users, or, for everybody, "anonymous: view", or remove the key`}, {"{}", "C:1:7: auth: is empty"},
		{"{anonymous: none}", `C:1:7: auth: lets nobody in; add users_file or users, which camd hash-password helps with, or, for everybody, "anonymous: view"`},
		{"{session: {idle: 1h}}", "C:1:7: auth: lets nobody in"},
		{"view", `C:1:7: auth: want keys such as "anonymous:", got a text`},
		{"{anonymous: root}", `C:1:19: anonymous: the role must be view, control, admin or metrics, or none; got "root"`},
		{"{anonymous: [view]}", "C:1:19: anonymous: want a role, got a list"},
		{"{anonymous: {cameras: [yard]}}", "C:1:19: anonymous: has no role; want view, control, admin or metrics"},
		{"{anonymous: {role: view, cameras: [yardd]}}", `C:1:42: cameras: there is no camera "yardd"; did you mean "yard"?`},
		{"{anonymous: {role: view, cameras: ['[']}}", `C:1:42: cameras: must be a camera's id, or a pattern such as front-*, got "["`},
		{"{anonymous: {role: view, cameras: []}}", "C:1:41: cameras: want a list such as [yard, front-*], or leave the key out for all"},
		{"{anonymous: {role: metrics, cameras: [yard]}}", "C:1:35: cameras: the role metrics cannot be limited to cameras, because /metrics shows all of them"},
		{"{users_file: none}", "C:1:20: users_file: no such file or directory, below DIR; camd hash-password makes its lines"},
		{"{users_file: .}", "C:1:20: users_file: DIR is not a regular file; camd hash-password makes its lines"},
		{"{users_file: large}", "C:1:20: users_file: DIR/large is larger than 1 MiB"},
		{"{users_file: ''}", "C:1:20: users_file: is empty"},
		{"{users_file: plain}", "DIR/plain:2:6: must be an argon2id or bcrypt hash, not a plain-text password; make one with camd hash-password\n" +
			"DIR/plain:3:5: an MD5 hash is not accepted; make one with camd hash-password (argon2id), or with htpasswd -B -C 12 (bcrypt)"},
		{"{users_file: elsewhere}", `DIR/elsewhere:1:1: user anna: there is no camera "yardd"; did you mean "yard"?`},
		{"{users: [anna]}", `C:1:15: users: want names and what they may, such as "anna: {role: admin}", got a list`},
		{"{users: {'an na': {role: view}}}", "C:1:16: users: a name must be 1 to 64 characters: A-Z, a-z, 0-9 and . _ @ + -"},
		{"{users: {anna: {role: admin}}}", `C:1:16: users: "anna" has no hash, here or in users_file; make one with camd hash-password`},
		{"{users: {anna: {hash: hunter2}}}", "C:1:29: hash: must be an argon2id or bcrypt hash, not a plain-text password; make one with camd hash-password"},
		{"{users: {anna: {password: hunter2}}}", "C:1:23: password: is not kept in plain text; want hash, as camd hash-password makes it"},
		{"{users: {anna: {role: root, hash: '" + hunter2Hash + "'}}}", `C:1:29: role: want view, control, admin or metrics, got "root"`},
		{"{users_file: users, users: {anna: {hash: '" + hunter2Hash + "'}}}", `C:1:35: users: "anna" has a hash in DIR/users, too, on line 1; keep one`},
		{"{users_file: said, users: {anna: {role: view}}}", `C:1:34: users: what "anna" may is in DIR/said, too, on line 1; keep one`},
		{"{tokens: {a: {role: view}}}", `C:1:17: tokens: "a" has neither token_file nor hash; camd new-token makes both`},
		{"{tokens: {a: {role: view, token: x, token_file: token}}}", `C:1:33: unknown key "token", did you mean "token_file"?`},
		{"{tokens: {a: {token_file: token}}}", `C:1:17: tokens: "a" has no role; want view, control, admin or metrics`},
		{"{tokens: {a: }}", `C:1:17: tokens: "a" has no role; want view, control, admin or metrics`},
		{"{tokens: {a: x}}", `C:1:20: tokens: want keys such as "role:", got a text`},
		{"{tokens: {a: {role: view, token_file: short}}}", "C:1:45: token_file: in DIR/short: a token must be at least 32 printable characters without spaces; make one with camd new-token"},
		{"{tokens: {a: {role: view, token_file: lines}}}", "C:1:45: token_file: DIR/lines has more than one line or a control character in it"},
		{"{tokens: {a: {role: view, hash: " + token + "}}}", "C:1:39: hash: must be sha256: and 64 hexadecimal digits, as camd new-token prints them; put the token itself into a token_file"},
		{"{tokens: {a: {role: view, token_file: token}, b: {role: view, token_file: token}}}", `C:1:53: tokens: "b" is the same token as "a"; make another with camd new-token`},
		{"{anonymous: view, link_key_file: short}", "C:1:40: link_key_file: in DIR/short: must be 32 to 128 random bytes in base64; make them with camd rotate-links or openssl rand -base64 32"},
		{"{anonymous: view, link_key_file: none}", "C:1:40: link_key_file: no such file or directory, below DIR"},
		{"{anonymous: view, session: {idle: 1s}}", "C:1:41: idle: want a duration from 1m to 8760h, such as 10s, got \"1s\""},
		{"{anonymous: view, trusted_proxies: [proxy]}", `C:1:43: trusted_proxies: want an address or network, such as 10.0.0.0/8, or unix, got "proxy"`},
		{"{anonymous: view, trusted_proxies: [0.0.0.0/0]}", `C:1:43: trusted_proxies: everybody would be believed; want the proxy's address or network, got "0.0.0.0/0"`},
		{"{anonymous: view, trusted_proxies: [10.0.0.1/8]}", `C:1:43: trusted_proxies: want 10.0.0.0/8 for the network, or 10.0.0.1 for the address, got "10.0.0.1/8"`},
		{"{anonymous: view, forward_auth: {user_header: Remote-User, role: view}}", "C:1:25: forward_auth: nobody is believed without trusted_proxies; add the proxy's address"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {role: view}}", "C:1:51: forward_auth: has no user_header; want the header in which the proxy says who asks, such as Remote-User"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: Remote-User}}", "C:1:37: forward_auth: allows nobody; add a role for the users that the proxy names, or list them under users"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: 'Remote User', role: view}}", `C:1:65: user_header: want a header's name that the proxy alone sets, such as Remote-User, got "Remote User"`},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: authorization, role: view}}", `C:1:65: user_header: want a header's name that the proxy alone sets, such as Remote-User, got "authorization"`},
		{"{anonymous: view, trusted_proxies: []}", "C:1:42: trusted_proxies: want a list such as [127.0.0.1, 10.0.0.0/8], or leave the key out to believe nobody"},
		{"{trusted_proxies: [10.0.0.1], forward_auth: {user_header: Remote-User, cameras: [yard]}}", "C:1:78: cameras: there is no role to hold there; add role"},
	} {
		_, err := Parse(filepath.Join(dir, "camd.yaml"), []byte("auth: "+c.auth+"\n"+twoCameras), env)
		got := strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(err), dir+"/camd.yaml", "C"), dir, "DIR")
		if first, _, _ := strings.Cut(got, "\n"); !strings.HasPrefix(got, c.want) || strings.Contains(c.want, "\n") != (first != got) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.auth, got, c.want)
		}
		if strings.Contains(got, "hunter2") || strings.Contains(got, token) {
			t.Errorf("%s: a secret is in the message: %s", c.auth, got)
		}
	}
}

func TestCheckExposureRefusesOpenListener(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		"listen: 127.0.0.1:80":                 "",
		"listen: 127.8.0.1:80":                 "",
		"listen: localhost:80":                 "",
		`listen: "[::1]:80"`:                   "",
		"listen: :80\nauth: {anonymous: view}": "",
		"listen: :80":                          "camd.yaml:1:9: listen: :80 is reached from other machines, and access is not configured; make a user, by ",
		"\nlisten:   0.0.0.0:80":               "camd.yaml:2:11: listen: 0.0.0.0:80 is reached",
		`listen: "[::]:80"`:                    "camd.yaml:1:9: listen: [::]:80 is reached",
		`listen: "[::ffff:192.0.2.1]:80"`:      "camd.yaml:1:9: listen: [::ffff:192.0.2.1]:80 is reached",
		"listen: cams.local:80":                "camd.yaml:1:9: listen: cams.local:80 is reached",
	} {
		cfg, err := Parse("camd.yaml", []byte(text+"\n"+oneCamera), env)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.CheckExposure()
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	cfg := Default()
	cfg.Listen = "0.0.0.0:0"
	if err := cfg.CheckExposure(); err == nil || !strings.HasPrefix(err.Error(), "--listen 0.0.0.0:0 is reached") || !strings.Contains(err.Error(), "--anonymous view") {
		t.Errorf("got %v", err)
	}
}
