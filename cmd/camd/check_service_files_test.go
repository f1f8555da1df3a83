package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/configfile"
	"camd/internal/systemd"
	"camd/pkg/access"
)

func TestFilesThatServiceCannotReadAreReported(t *testing.T) {
	dir := t.TempDir()
	stranger := systemd.Account{UID: -1, Sharing: "video"}
	if err := stranger.CheckRead(os.TempDir()); err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // TempDir makes it for its owner only
		t.Fatal(err)
	}
	path, users := filepath.Join(dir, "camd.yaml"), filepath.Join(dir, "users")
	for name, text := range map[string]string{
		path:  "auth:\n  users_file: users\ncameras: [{id: a, source: 'test://'}]\n",
		users: "anna:" + access.HashPassword("hunter22") + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := configfile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		err := checkAccountFiles(stranger, cfg, path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	check(path + ":1:1: the user of the service cannot read " + path + "; run chgrp video ")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	check(path + ":2:15: users_file: the user of the service cannot read " + users + "; run chgrp video " + users + " && chmod 640 " + users)
	if err := os.Chmod(users, 0o644); err != nil {
		t.Fatal(err)
	}
	check("")
}
