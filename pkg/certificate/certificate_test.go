package certificate

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
)

func TestLoadNamesFileAndRemedy(t *testing.T) {
	one, other := testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t)
	dir := t.TempDir()
	file := func(name string, parts ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(parts, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	block := func(kind, header, bytes string) string {
		return "-----BEGIN " + kind + "-----\n" + header + bytes + "-----END " + kind + "-----\n"
	}
	cert, key, another := text(t, one.File), text(t, one.Key), text(t, other.File)
	both := file("both", key, cert)
	for _, c := range []struct {
		shown, key string
		ofKey      bool
		says       string
	}{
		{both, both, false, ""},
		{file("chain", cert, another), one.Key, false, ""},
		{file("windows", "\ufeff", strings.ReplaceAll(cert, "\n", "\r\n")), one.Key, false, ""},
		{dir + "/none", one.Key, false, "stat DIR/none: no such file or directory; must be a PEM file with the certificate"},
		{one.File, dir + "/none", true, "stat DIR/none: no such file or directory; must be a PEM file with the private key"},
		{dir, one.Key, false, "DIR is not a regular file; must be a PEM file with the certificate"},
		{file("large", strings.Repeat("-", maxFileSize+1)), one.Key, false, "DIR/large is larger than 1 MiB; must be a PEM file with the certificate"},
		{file("empty", ""), one.Key, false, "DIR/empty holds no certificate; must be PEM, with -----BEGIN CERTIFICATE-----"},
		{file("swapped", key), one.File, false,
			"DIR/swapped holds no certificate; must be PEM, with -----BEGIN CERTIFICATE-----; the two files may be swapped"},
		{one.File, file("cert", cert), true,
			"DIR/cert holds no private key; must be PEM, with -----BEGIN PRIVATE KEY-----; the two files may be swapped"},
		{file("broken", block("CERTIFICATE", "", "AAAA\n")), one.Key, false, "DIR/broken: x509: malformed certificate"},
		{one.File, file("unread", block("PRIVATE KEY", "", "AAAA\n")), true, "DIR/unread: failed to parse private key; must be an RSA, ECDSA or Ed25519 key"},
		{one.File, file("locked", block("ENCRYPTED PRIVATE KEY", "", "AAAA\n")), true,
			"DIR/locked is encrypted with a passphrase, which camd cannot ask for; decrypt it: openssl pkey -in DIR/locked -out NEW"},
		{one.File, file("old", block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", "AAAA\n")), true,
			"DIR/old is encrypted with a passphrase, which camd cannot ask for; decrypt it: openssl pkey -in DIR/old -out NEW"},
		{file("other", another), one.Key, true, "KEY is not the key of the first certificate in DIR/other; the server's own certificate must come first"},
		{file("reversed", another, cert), one.Key, true, "KEY is not the key of the first certificate in DIR/reversed; the server's own certificate must come first"},
	} {
		pair, err := Files{c.shown, c.key}.Load()
		var m *FileError
		switch {
		case c.says == "":
			if err != nil || pair.Leaf == nil {
				t.Errorf("%s: %v", c.shown, err)
			}
		case !errors.As(err, &m):
			t.Errorf("%s, %s: got %v, want %s", c.shown, c.key, err, c.says)
		default:
			if got := strings.ReplaceAll(strings.ReplaceAll(m.Error(), dir, "DIR"), one.Key, "KEY"); got != c.says || m.InKey != c.ofKey {
				t.Errorf("got  %s (of the key: %v)\nwant %s", got, m.InKey, c.says)
			}
		}
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWarningsNameWhatNeedsAttention(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		of   testpeer.Certificate
		mode os.FileMode
		want string
	}{
		{testpeer.Certificate{}, 0o600, ""},
		{testpeer.Certificate{}, 0o640, ""}, // readable for a group
		{testpeer.Certificate{}, 0o644, "key exposed"},
		{testpeer.Certificate{NotAfter: now.Add(-time.Minute)}, 0o600, "certificate expired"},
		{testpeer.Certificate{NotBefore: now.Add(time.Hour)}, 0o604, "certificate not valid yet, key exposed"},
	} {
		i := c.of.Make(t)
		if err := os.Chmod(i.Key, c.mode); err != nil {
			t.Fatal(err)
		}
		f := Files{i.File, i.Key}
		pair, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		var what []string
		for _, concern := range f.Warnings(pair, now) {
			what = append(what, concern.Summary)
		}
		if got := strings.Join(what, ", "); got != c.want {
			t.Errorf("%+v %o: got %q, want %q", c.of, c.mode, got, c.want)
		}
	}
}

// No message contains bytes of a key.
func TestErrorDoesNotRepeatKey(t *testing.T) {
	i := testpeer.Certificate{}.Make(t)
	b := bytes.Replace([]byte(text(t, i.Key)), []byte("M"), []byte("N"), 1)
	if err := os.WriteFile(i.Key, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Files{i.File, i.Key}.Load()
	if err == nil || strings.Contains(err.Error(), string(b[40:60])) {
		t.Errorf("got %v", err)
	}
}
