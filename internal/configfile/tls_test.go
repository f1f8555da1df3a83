package configfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

func TestTLSProblemsAreReported(t *testing.T) {
	one, other := testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(one.File)
	const place = "/camd.yaml:1:"
	for _, c := range []struct{ tls, problem string }{
		{"{certificate: cert.pem, key: key.pem}", ""},
		{"{certificate: " + one.File + ", key: " + one.Key + "}", ""},
		{"{certificate: none, key: key.pem}", "20: certificate: no such file or directory, below DIR"},
		{"{certificate: cert.pem, key: none}", "35: key: no such file or directory, below DIR"},
		{"{certificate: cert.pem, key: " + other.Key + "}", "35: key: OTHER is not the key of the first certificate in DIR/cert.pem; the server's own certificate must come first"},
		{"{certificate: key.pem, key: cert.pem}", "20: certificate: DIR/key.pem holds no certificate; must be PEM, with -----BEGIN CERTIFICATE-----; the two files may be swapped"},
		{"{certificate: cert.pem}", "6: tls: the section has no key; add the path of a PEM file, or set self_signed or acme"},
		{"{key: key.pem}", "6: tls: the section has no certificate; add the path of a PEM file, or set self_signed or acme"},
		{"{certificate: '', key: key.pem}", "20: certificate: must be the path of a file, is empty"},
		{"{certificate: cert.pem, key: key.pem, client_ca: cert.pem, min_version: 1.3, hsts: 180d, redirect_from: ':80'}", ""},
		{"{self_signed: true, key: key.pem}", "26: key: conflicts with self_signed, which provides the certificate; remove one of them"},
		{"{self_signed: true, client_ca: key.pem}", "37: client_ca: DIR/key.pem holds no certificate; must be PEM, with -----BEGIN CERTIFICATE-----; the two files may be swapped"},
		{"{self_signed: true, client_auth: request}", "26: client_auth: needs client_ca, a PEM file with the CA certificates for client certificates; add it"},
		{"{self_signed: true, client_ca: cert.pem, client_auth: ask}", `60: client_auth: must be request or require, is "ask"`},
		{"{self_signed: true, min_version: 1.1}", "39: min_version: must be 1.2 or 1.3, is 1.1"},
		{"{self_signed: true, hsts: 10s}", `32: hsts: must be off, or a time from 1m to 3660d, such as 180d, is "10s"`},
		{"{self_signed: true, hsts: 3661d}", `32: hsts: must be off, or a time from 1m to 3660d, such as 180d, is "3661d"`},
		{"{self_signed: true, redirect_from: 'unix:/s'}", `41: redirect_from: must be HOST:PORT, is "unix:/s"; clients of a unix socket are on this machine already`},
		{"{self_signed: true, acme: {domains: [a.example]}}", "26: acme: conflicts with self_signed, which provides the certificate; remove one of them"},
		{"{acme: {}}", "13: acme: the section has no domains; it must be a list of host names, such as [cams.example.com]"},
		{"{acme: {domains: [10.0.0.7]}}", `24: domains: must be a complete host name, such as cams.example.com, not a wildcard or an IP address, is "10.0.0.7"`},
		{"{acme: {domains: ['*.example.com']}}", `24: domains: must be a complete host name, such as cams.example.com, not a wildcard or an IP address, is "*.example.com"`},
		{"{acme: {domains: [a.example], email: me}}", `43: email: must be a mail address, such as me@example.com, is "me"`},
		{"on", `6: tls: must be a group of keys, such as "certificate:", is a text`},
	} {
		cfg, err := Parse(dir+"/camd.yaml", []byte("tls: "+c.tls+"\n"+oneCamera), env)
		switch {
		case c.problem != "":
			checkEditorSchema(t, "tls: "+c.tls+"\n"+oneCamera, c.problem)
			want := dir + place + strings.NewReplacer("DIR", dir, "OTHER", other.Key).Replace(c.problem)
			if err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", c.tls, err, want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.tls, err)
		case cfg.TLS == nil || cfg.TLS.Certificate != one.File || cfg.TLS.Key != one.Key:
			t.Errorf("%s: got %+v", c.tls, cfg.TLS)
		}
	}
}

// A user who can change a certificate, a key or a CA file decides which servers and clients trust each other.
func TestWritableTLSFilesAreRefused(t *testing.T) {
	pair := testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(pair.File)
	for _, file := range []string{pair.File, pair.Key} {
		if err := os.Chmod(file, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Parse(dir+"/camd.yaml", []byte("tls:\n  certificate: cert.pem\n  key: key.pem\n  client_ca: cert.pem\n"+
		"cameras:\n  - {id: a, source: 'https://h/', ca_file: cert.pem, quality: 0}\nbus: {}\n"), env)
	const refused = ": every user of this machine may change DIR/FILE; run chmod o-w DIR/FILE\n"
	want := strings.ReplaceAll("DIR/camd.yaml:2:16: certificate"+strings.ReplaceAll(refused, "FILE", "cert.pem")+
		"DIR/camd.yaml:3:8: key"+strings.ReplaceAll(refused, "FILE", "key.pem")+
		"DIR/camd.yaml:4:14: client_ca"+strings.ReplaceAll(refused, "FILE", "cert.pem")+
		"DIR/camd.yaml:6:44: ca_file"+strings.ReplaceAll(refused, "FILE", "cert.pem")+
		"DIR/camd.yaml:6:63: quality: must be a whole number from 1 to 100, is 0\n"+
		"DIR/camd.yaml:7:1: bus: needs site, the name of this camd; it must be 1 to 63 of a-z, 0-9 and \"-\", because bus publishes the cameras under it\n"+
		"DIR/camd.yaml:7:6: bus: the section has no servers; it must be a list of NATS servers, such as [nats://host-a:4222, nats://host-b:4222]", "DIR", dir)
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
