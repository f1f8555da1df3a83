package tlsverify_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/source/tlsverify"
)

// handshake connects to a server with the certificate, as the server of a host.
func handshake(t *testing.T, host string, certificate testpeer.KeyPair, o tlsverify.Options) error {
	t.Helper()
	v, err := tlsverify.New(o)
	if err != nil {
		t.Fatal(err)
	}
	backend, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	c, err := tls.Dial("tcp", testpeer.ServeTLS(t, backend.Addr().String(), certificate).Address, v.Config(host))
	if err == nil {
		c.Close()
	}
	return err
}

func leaf(t *testing.T, i testpeer.KeyPair) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(i.File, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestVerifyReportsProblem(t *testing.T) {
	authority := testpeer.Certificate{Name: "ca.example"}.Make(t)
	good := authority.IssueServer(t, testpeer.Certificate{})
	expired := authority.IssueServer(t, testpeer.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	early := authority.IssueServer(t, testpeer.Certificate{NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)})
	other := authority.IssueServer(t, testpeer.Certificate{Name: "other.example"})
	own := testpeer.Certificate{}.Make(t)
	ca := tlsverify.Options{CAFile: authority.File}
	pin := func(i testpeer.KeyPair) tlsverify.Options {
		return tlsverify.Options{Fingerprint: tlsverify.Fingerprint(leaf(t, i))}
	}
	for _, c := range []struct {
		name, host  string
		certificate testpeer.KeyPair
		options     tlsverify.Options
		problem     string // "" means that it verifies
	}{
		{"signed by ca_file", "127.0.0.1", good, ca, ""},
		{"authority unknown", "127.0.0.1", good, tlsverify.Options{}, `the certificate is signed by "camd's test ca.example", which is not trusted`},
		{"self-signed", "127.0.0.1", own, tlsverify.Options{}, "the certificate is self-signed"},
		{"self-signed and in ca_file", "127.0.0.1", own, tlsverify.Options{CAFile: own.File}, ""},
		{"expired", "127.0.0.1", expired, ca, "the certificate expired at "},
		{"not valid yet", "127.0.0.1", early, ca, "the certificate is not valid before "},
		{"another host", "127.0.0.1", other, ca, `the certificate is not for the host "127.0.0.1" but for other.example`},
		{"its host", "other.example", other, ca, ""},
		{"fingerprint", "127.0.0.1", own, pin(own), ""},
		{"fingerprint of an expired one", "127.0.0.1", expired, pin(expired), ""},
		{"another fingerprint", "127.0.0.1", good, pin(own), "the certificate is not the one whose fingerprint is configured"},
		{"verification off", "127.0.0.1", expired, tlsverify.Options{SkipVerify: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := handshake(t, c.host, c.certificate, c.options)
			if c.problem == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			e, ok := errors.AsType[*tlsverify.Error](err)
			if !ok || !strings.HasPrefix(e.Problem, c.problem) {
				t.Fatalf("got %v, want %s", err, c.problem)
			}
			if !strings.Contains(e.Remedy(true), "fingerprint: "+tlsverify.Fingerprint(leaf(t, c.certificate))) {
				t.Errorf("the remedy names no fingerprint: %s", e.Remedy(true))
			}
			if !c.options.SkipVerify && c.options.Fingerprint == "" && strings.Contains(e.Remedy(false), "fingerprint") {
				t.Errorf("the remedy names the fingerprint where it cannot be set: %s", e.Remedy(false))
			}
		})
	}
}

func TestVerifyRefusesNoCertificate(t *testing.T) {
	for _, o := range []tlsverify.Options{{}, {Fingerprint: "sha256:00"}} {
		v, err := tlsverify.New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, chain := range [][][]byte{nil, {nil}, {[]byte("no certificate")}} {
			if err := v.VerifyDER("127.0.0.1", chain); err == nil {
				t.Errorf("%+v: %q verifies", o, chain)
			}
		}
	}
}

func TestNewRefusesBadCAFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + ".missing"} {
		if _, err := tlsverify.New(tlsverify.Options{CAFile: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestParseFingerprintNormalizes(t *testing.T) {
	const plain = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	colons := "SHA256:" + strings.Repeat("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:", 2)
	for in, good := range map[string]bool{
		plain: true, strings.ToUpper(plain): true, strings.TrimSuffix(colons, ":"): true,
		"": false, "sha256:": false, plain[:len(plain)-1]: false, plain + "0": false, plain[len("sha256:"):]: false, colons: false,
		"sha1:" + plain[len("sha256:"):]: false, strings.Replace(plain, "aa", "gg", 1): false, strings.Replace(plain, "00", ":0", 1): false,
	} {
		got, err := tlsverify.ParseFingerprint(in)
		if (err == nil) != good || good && got != plain {
			t.Errorf("%s: got %s, %v", in, got, err)
		}
	}
}
