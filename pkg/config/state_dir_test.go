package config

import (
	"strings"
	"testing"

	"camd/internal/testpeer"
)

func TestMadeCertificateNeedsStateDir(t *testing.T) {
	i := testpeer.Certificate{}.Make(t)
	for text, want := range map[string]string{
		"tls: {hsts: off,\n  self_signed: true}\n":                 "camd.yaml:2:3: self_signed: there is no directory for the certificate",
		"tls:\n  acme: {domains: [cams.example.com]}\n":            "camd.yaml:2:3: acme: there is no directory for the certificate",
		"tls: {self_signed: false, certificate: CERT, key: KEY}\n": "",
		"log: {}\n": "",
	} {
		text = strings.NewReplacer("CERT", i.File, "KEY", i.Key).Replace(text)
		cfg, err := Parse("camd.yaml", []byte(text+oneCamera), env)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if err := cfg.CheckStateDir("/var/lib/camd"); err != nil {
			t.Errorf("%q, with a directory: %v", text, err)
		}
		switch err := cfg.CheckStateDir(""); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestFindStateDirReadsFileWithMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"state_dir: state\ncameras: [{id: a}]\n":               "/etc/camd/state",
		"\ufeffstate_dir: /var/lib/camd # here\nlisten: {{{\n": "/var/lib/camd",
		"cameras:\n\t- broken\nstate_dir: \"with space\"\r\n":  "/etc/camd/with space",
		"": "", "cameras: []\n": "", "state_dir:\n  state\n": "", "log: {state_dir: x}\n": "", "  state_dir: x\n": "", "state_dir: [x]\n": "",
	} {
		if got := FindStateDir("/etc/camd/camd.yaml", []byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
