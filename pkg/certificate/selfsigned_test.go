package certificate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A certificate is generated at first and stays the same. It is replaced when it expires soon or lacks a required name.
func TestLoadOrGenerateRenewsSelfSignedCertificate(t *testing.T) {
	s := SelfSigned{Dir: filepath.Join(t.TempDir(), "state"), Names: []string{"box", "cams.example", "10.0.0.7", "fd00::7"}, RequiredNames: []string{"cams.example"}}
	now := time.Now()
	last := ""
	for _, c := range []struct {
		what string
		at   time.Time
		must string
		made bool
	}{
		{"the first", now, "cams.example", true},
		{"the next start", now.Add(time.Minute), "cams.example", false},
		{"long after", now.Add(selfSignedLifetime - renewBefore - time.Minute), "cams.example", false},
		{"near its end", now.Add(selfSignedLifetime - renewBefore + time.Minute), "cams.example", true},
		{"the clock is set back", now, "cams.example", true},
		{"another address", now, "10.0.0.7", false},
		{"another name", now, "other.example", true},
	} {
		s.RequiredNames = []string{c.must}
		if c.must == "other.example" {
			s.Names = append(s.Names, c.must)
		}
		_, unsaved, err := s.LoadOrGenerate(c.at)
		made := unsaved != nil
		if made && err == nil {
			err = s.Save(unsaved)
		}
		if made != c.made || err != nil {
			t.Fatalf("%s: made %v, %v", c.what, made, err)
		}
		pair, err := s.Files().Load()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range s.Names {
			if err := pair.Leaf.VerifyHostname(name); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
		}
		if fingerprint := Fingerprint(pair); (fingerprint != last) != c.made || len(fingerprint) != 95 || strings.Trim(fingerprint, "0123456789ABCDEF:") != "" {
			t.Errorf("%s: fingerprint %s, before %s", c.what, fingerprint, last)
		} else {
			last = fingerprint
		}
		if concerns := s.Files().Warnings(pair, c.at); len(concerns) > 0 {
			t.Errorf("%s: %v", c.what, concerns)
		}
	}
	info, err := os.Stat(s.Files().Key)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(s.Dir); len(entries) != 1 {
		t.Errorf("%d files, want one", len(entries))
	}
	if err := os.WriteFile(s.Files().Key, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, unsaved, err := s.LoadOrGenerate(now); unsaved != nil || err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("made %v, %v, but the file cannot be read", unsaved != nil, err)
	}
}
