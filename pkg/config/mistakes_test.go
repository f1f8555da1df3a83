package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// The file holds cases of "## name", the configuration, "=>" and what camd says to it.
func TestMistakesAreReported(t *testing.T) {
	text, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range strings.Split(string(text), "## ")[1:] {
		name, rest, _ := strings.Cut(c, "\n")
		in, want, ok := strings.Cut(rest, "=>\n")
		if !ok {
			t.Fatalf("case %q has no =>", name)
		}
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("camd.yaml", []byte(in), env)
			if err == nil {
				t.Fatalf("got %+v, want mistakes", cfg)
			}
			if got := err.Error(); got != strings.TrimRight(want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Error("a password is in the message")
			}
		})
	}
}

func TestFileThatIsNoTextIsRefused(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a\x00b", "camd.yaml:1:2: control character U+0000; remove it"},
		{"# \u00e9\nlisten: \xff\n", "camd.yaml:2:9: byte 0xff is not UTF-8; save the file as UTF-8"},
		{"\xff\xfel\x00", "camd.yaml:1:1: the file is UTF-16; save it as UTF-8"},
		{"listen: a\ufeffb\n", "camd.yaml:1:10: control character U+FEFF; remove it"},
		{strings.Repeat("#", 1<<20+1), "camd.yaml:1:1: larger than 1 MiB; this is no configuration file"},
	} {
		_, err := Parse("camd.yaml", []byte(c.in), env)
		if err == nil || err.Error() != c.want {
			t.Errorf("%.20q: got %v, want %s", c.in, err, c.want)
		}
	}
}

func TestPasswordFileIsReadOrReported(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good": "hunter2\n", "bare": "hunter2", "windows": "hunter2\r\n", "spaces": " hunter2 \n",
		"empty": "", "newline": "\n", "lines": "hunter2\nhunter3\n", "large": strings.Repeat("hunter2", 1000),
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "open"), "hunter2")
	if err := os.Chmod(filepath.Join(dir, "open"), 0o602); err != nil {
		t.Fatal(err)
	}
	const place = "/camd.yaml:1:65: "
	for _, c := range []struct{ file, password, problem string }{
		{"good", "hunter2", ""},
		{"bare", "hunter2", ""},
		{"windows", "hunter2", ""},
		{"spaces", " hunter2 ", ""},
		{dir + "/good", "hunter2", ""},
		{"empty", "", "password_file: DIR/empty is empty"},
		{"newline", "", "password_file: DIR/newline is empty"},
		{"lines", "", "password_file: DIR/lines has more than one line or a control character in it"},
		{"large", "", "password_file: DIR/large is larger than 4 KiB; it should hold one password"},
		{"folder", "", "password_file: DIR/folder is not a regular file"},
		{"open", "", "password_file: every user of this machine may change DIR/open; run chmod o-w DIR/open"},
		{"none", "", "password_file: no such file or directory, below DIR"},
		{"''", "", "password_file: is empty"},
	} {
		text := "cameras: [{id: a, source: rtsp://h/, user: u, password_file:    " + c.file + "}]"
		cfg, err := Parse(dir+"/camd.yaml", []byte(text), env)
		switch {
		case c.problem != "":
			if want := dir + place + strings.ReplaceAll(c.problem, "DIR", dir); err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", c.file, err, want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.file, err)
		case cfg.Cameras[0].Source.Password != c.password:
			t.Errorf("%s: got password %q, want %q", c.file, cfg.Cameras[0].Source.Password, c.password)
		}
	}
	want := dir + "/camd.yaml:1:20: users_file: every user of this machine may change " + dir + "/open; run chmod o-w " + dir + "/open"
	if _, err := Parse(dir+"/camd.yaml", []byte("auth: {users_file: open}\n"+oneCamera), env); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	both := "cameras: [{id: a, source: rtsp://h/, user: u, password_file: good, password: hunter2}]"
	want = dir + "/camd.yaml:1:68: password and password_file are both given; keep one"
	if _, err := Parse(dir+"/camd.yaml", []byte(both), env); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTLSProblemsAreReported(t *testing.T) {
	one, other := testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(one.File)
	const place = "/camd.yaml:1:"
	for _, c := range []struct{ tls, problem string }{
		{"{certificate: cert.pem, key: key.pem}", ""},
		{"{certificate: " + one.File + ", key: " + one.Key + "}", ""},
		{"{certificate: none, key: key.pem}", "20: certificate: stat DIR/none: no such file or directory; must be a PEM file with the certificate"},
		{"{certificate: cert.pem, key: none}", "35: key: stat DIR/none: no such file or directory; must be a PEM file with the private key"},
		{"{certificate: cert.pem, key: " + other.Key + "}", "35: key: OTHER is not the key of the first certificate in DIR/cert.pem; the server's own certificate must come first"},
		{"{certificate: key.pem, key: cert.pem}", "20: certificate: DIR/key.pem holds no certificate; must be PEM, with -----BEGIN CERTIFICATE-----; the two files may be swapped"},
		{"{certificate: cert.pem}", "6: tls: has no key; want a PEM file with the certificate's private key"},
		{"{key: key.pem}", "6: tls: has no certificate; want a PEM file with the server's certificate"},
		{"{certificate: '', key: key.pem}", "20: certificate: is empty"},
		{"{certificate: cert.pem, key: key.pem, client_ca: cert.pem, min_version: 1.3, hsts: 180d, redirect_from: ':80'}", ""},
		{"{self_signed: true, key: key.pem}", "26: key: there is self_signed, which sees to the certificate; want one or the other"},
		{"{self_signed: true, client_ca: key.pem}", "37: client_ca: DIR/key.pem holds no certificate; must be PEM, with -----BEGIN CERTIFICATE-----; the two files may be swapped"},
		{"{self_signed: true, client_auth: request}", "26: client_auth: needs client_ca, a PEM file with the certificates of those who vouch for clients"},
		{"{self_signed: true, client_ca: cert.pem, client_auth: ask}", "60: client_auth: want request or require, got \"ask\""},
		{"{self_signed: true, min_version: 1.1}", "39: min_version: want 1.2 or 1.3, got 1.1"},
		{"{self_signed: true, hsts: 10s}", "32: hsts: want off, or a time from 1m to 3660d, such as 180d, got \"10s\""},
		{"{self_signed: true, hsts: 3661d}", "32: hsts: want off, or a time from 1m to 3660d, such as 180d, got \"3661d\""},
		{"{self_signed: true, redirect_from: 'unix:/s'}", "41: redirect_from: want HOST:PORT; who comes by a unix socket is on this machine already, got \"unix:/s\""},
		{"{self_signed: true, acme: {domains: [a.example]}}", "26: acme: there is self_signed, which sees to the certificate; want one or the other"},
		{"{acme: {}}", "13: acme: has no domains; want a list of the names that people come by, such as [cams.example.com]"},
		{"{acme: {domains: [10.0.0.7]}}", "24: domains: want whole host names, such as cams.example.com: no wildcards and no IP addresses, got \"10.0.0.7\""},
		{"{acme: {domains: ['*.example.com']}}", "24: domains: want whole host names, such as cams.example.com: no wildcards and no IP addresses, got \"*.example.com\""},
		{"{acme: {domains: [a.example], email: me}}", "43: email: want a mail address, such as me@example.com"},
		{"on", `6: tls: want keys such as "certificate:", got a text`},
	} {
		cfg, err := Parse(dir+"/camd.yaml", []byte("tls: "+c.tls+"\n"+oneCamera), env)
		switch {
		case c.problem != "":
			want := dir + place + strings.NewReplacer("DIR", dir, "OTHER", other.Key).Replace(c.problem)
			if err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", c.tls, err, want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.tls, err)
		case cfg.TLS == nil || cfg.TLS.Files.Certificate != one.File || cfg.TLS.Files.Key != one.Key:
			t.Errorf("%s: got %+v", c.tls, cfg.TLS)
		}
	}
}
