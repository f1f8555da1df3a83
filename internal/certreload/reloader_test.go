package certreload

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"camd/internal/testpeer"
	"camd/pkg/certificate"
)

func TestPreparedCertificateIsServedOnceCommitted(t *testing.T) {
	r := New(nil, zap.NewNop())
	first, second := testpeer.Certificate{Name: "one"}.Make(t), testpeer.Certificate{Name: "two"}.Make(t)
	commit, err := r.Prepare(settingsOf(first))
	if err != nil {
		t.Fatal(err)
	}
	if r.Certificate() != nil {
		t.Error("a certificate is served before commit")
	}
	if err := commit(); err != nil || !r.IsCertified("one") {
		t.Errorf("after commit: %v, certified %v", err, r.IsCertified("one"))
	}
	if commit, err = r.Prepare(settingsOf(second)); err != nil {
		t.Fatal(err)
	}
	if !r.IsCertified("one") || r.IsCertified("two") {
		t.Error("another certificate is served before its commit")
	}
	if err := commit(); err != nil || !r.IsCertified("two") {
		t.Errorf("after the second commit: %v, certified %v", err, r.IsCertified("two"))
	}
}

func settingsOf(c testpeer.KeyPair) Settings {
	return Settings{Files: certificate.Files{Certificate: c.File, Key: c.Key}}
}

// Commit saves a generated certificate in its file. If that fails, the certificate is served nevertheless.
func TestGeneratedCertificateIsSavedByCommit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	r := New(nil, zap.NewNop())
	s := Settings{SelfSigned: true, StateDir: dir, Names: func() (names, configured []string) { return []string{"box"}, nil }}
	commit, err := r.Prepare(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the state directory exists before commit")
	}
	if err := commit(); err != nil {
		t.Fatal(err)
	}
	saved, err := s.files().Load()
	if err != nil || !bytes.Equal(saved.Leaf.Raw, r.Certificate().Leaf.Raw) {
		t.Errorf("the served certificate is not in the file: %v", err)
	}

	other := s
	other.StateDir = filepath.Join(t.TempDir(), "state")
	if commit, err = r.Prepare(other); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other.StateDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := commit(); err == nil {
		t.Error("a certificate was saved below a file")
	}
	if bytes.Equal(saved.Leaf.Raw, r.Certificate().Leaf.Raw) {
		t.Error("the previous certificate is still served")
	}
}

// A file that cannot be served is counted once. The previous certificate is served until the file is correct again.
func TestBrokenFileKeepsServedCertificate(t *testing.T) {
	r := New(nil, zap.NewNop())
	c := testpeer.Certificate{Name: "box"}.Make(t)
	commit, err := r.Prepare(settingsOf(c))
	if err != nil {
		t.Fatal(err)
	}
	if err := commit(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(c.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"broken", string(good)} {
		if err := os.WriteFile(c.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.reloadFiles()
		r.reloadFiles()
		want := State{NotAfter: r.Certificate().Leaf.NotAfter, Failed: 1, LastFailed: text == "broken"}
		if text != "broken" {
			want.Renewed = 1
		}
		if got := r.State(); got != want || !r.IsCertified("box") {
			t.Errorf("%.6s: %+v, want %+v", text, got, want)
		}
	}
}

// A generated certificate that cannot be saved stays in use, and is saved as soon as that works.
func TestUnsavedCertificateIsServedUntilItCanBeSaved(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	// The target of this link is missing. To access(2) it looks like a folder that can be created, but mkdir fails.
	if err := os.Symlink(filepath.Join(dir, "target"), state); err != nil {
		t.Fatal(err)
	}
	names := []string{"camd.example"}
	s := Settings{SelfSigned: true, StateDir: state, Names: func() (all, configured []string) { return names, names }}
	r := New(nil, zap.NewNop())
	commit, err := r.Prepare(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := commit(); err == nil {
		t.Fatal("the certificate was saved")
	}
	first := certificate.Fingerprint(r.Certificate())
	check := func() {
		t.Helper()
		r.reloadFiles()
		if now := certificate.Fingerprint(r.Certificate()); now != first {
			t.Errorf("another certificate is served: %s, want %s", now, first)
		}
	}
	check()
	if err := os.Mkdir(filepath.Join(dir, "target"), 0o700); err != nil {
		t.Fatal(err)
	}
	check()
	saved, err := s.files().Load()
	if err != nil || certificate.Fingerprint(saved) != first {
		t.Errorf("the saved certificate is not the one that is served: %v", err)
	}
	check()
}
