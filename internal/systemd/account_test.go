package systemd

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestAccountOfReadsUnit(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId("0")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(me.Uid)
	for properties, want := range map[string]struct {
		uid     int
		sharing string
		found   bool
	}{
		"LoadState=loaded\nUser=\nGroup=\nDynamicUser=yes\nSupplementaryGroups=" + group.Name + "\n": {-1, group.Name, true},
		"LoadState=loaded\nUser=\nDynamicUser=yes\nSupplementaryGroups=44\n":                         {-1, "44", true},
		"LoadState=loaded\nUser=" + me.Username + "\nDynamicUser=no\nGroup=" + group.Name + "\n":     {uid, group.Name, uid != 0},
		"LoadState=loaded\nUser=camd-nobody\nDynamicUser=no\n":                                       {0, "", false},
		"LoadState=loaded\nUser=\nDynamicUser=no\n":                                                  {0, "", false},
		"LoadState=not-found\nUser=\nDynamicUser=no\n":                                               {0, "", false},
		"": {0, "", false},
	} {
		a, found := accountOf(properties, "camd-nobody")
		if found != want.found || found && (a.UID != want.uid || a.Sharing != want.sharing) {
			t.Errorf("%q: got %+v, %v, want %+v", properties, a, found, want)
		}
	}
}

func TestCheckReadGoesByModes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "users")
	stranger, member := Account{UID: -1, Sharing: "video"}, Account{UID: -1, GIDs: []int{os.Getgid()}}
	owner := Account{UID: os.Getuid()}
	if err := stranger.CheckRead(os.TempDir()); err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // TempDir makes it for its owner only
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, dir os.FileMode
		account   Account
		want      string
	}{
		{0o600, 0o755, stranger, "the user of the service cannot read " + path + "; run chgrp video " + path + " && chmod 640 " + path},
		{0o640, 0o755, stranger, "cannot read"},
		{0o644, 0o755, stranger, ""},
		{0o644, 0o750, stranger, "cannot enter " + dir + ", where " + path + " is; give one of its groups access to that folder"},
		{0o600, 0o755, member, "the user of the service cannot read " + path + "; let systemd pass the file to the service"},
		{0o640, 0o750, member, ""},
		{0o604, 0o755, member, "cannot read"},
		{0o600, 0o700, owner, ""},
	} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for name, mode := range map[string]os.FileMode{path: c.file, dir: c.dir} {
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
		}
		err := c.account.CheckRead(path)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%o in %o, %+v: got %v, want %q", c.file, c.dir, c.account, err, c.want)
		}
	}
	if err := stranger.CheckRead(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}
