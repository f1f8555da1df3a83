package statestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func setPaused(t *testing.T, s *Store, id string, paused bool) {
	t.Helper()
	if err := s.SetPaused(id, paused); err != nil {
		t.Fatal(err)
	}
}

func expectPaused(t *testing.T, s *Store, id string, paused, known bool) {
	t.Helper()
	if p, k := s.Paused(id); p != paused || k != known {
		t.Errorf("%s: paused %v, known %v; want %v, %v", id, p, k, paused, known)
	}
}

func TestPausedSurvivesReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "camd")
	s := openStore(t, dir)
	expectPaused(t, s, "a", false, false)
	setPaused(t, s, "a", true)
	setPaused(t, s, "b", false)
	setPaused(t, s, "c", true)
	setPaused(t, s, "c", false)

	s = openStore(t, dir)
	expectPaused(t, s, "a", true, true)
	expectPaused(t, s, "b", false, true)
	expectPaused(t, s, "c", false, true)
	expectPaused(t, s, "d", false, false)
	setPaused(t, s, "a", false) // the other cameras stay, although this camd may not know them
	s = openStore(t, dir)
	expectPaused(t, s, "a", false, true)
	expectPaused(t, s, "b", false, true)

	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("in the folder: %v, %v", left, err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, FileName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestEmptyDirKeepsNothing(t *testing.T) {
	s := openStore(t, "")
	for range 2 {
		if err := s.SetPaused("a", true); !errors.Is(err, ErrNoStateDir) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"cameras": {"a": {"pau`, "other": `[1]`, "kind": `{"cameras": {"a": {"paused": "yes"}}}`,
		"more": `{"cameras": {}} {}`, "nothing": `{}`, "null": `{"cameras": null}`,
		"large": `{"cameras": {}}` + strings.Repeat(" ", maxFileSize),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, FileName)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir)
			if err == nil || !strings.HasPrefix(err.Error(), path+" is damaged: ") || !strings.HasSuffix(err.Error(), " (camd renamed it to "+path+".damaged)") {
				t.Errorf("got %v", err)
			}
			expectPaused(t, s, "a", false, false)
			if aside, err := os.ReadFile(path + ".damaged"); err != nil || string(aside) != text {
				t.Errorf("set aside: %d bytes, %v", len(aside), err)
			}
			setPaused(t, s, "a", true)
			expectPaused(t, openStore(t, dir), "a", true, true)
		})
	}
}

// A change that cannot be written is an error, and is written with the next change that can be.
func TestFailedWriteIsRetriedWithNext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "camd")
	s := openStore(t, dir)
	setPaused(t, s, "a", true)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second call has no change, but the change before is still not on disk
		if err := s.SetPaused("b", true); err == nil {
			t.Error("the store kept a change without a folder")
		}
	}
	expectPaused(t, s, "b", true, true)
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
	setPaused(t, s, "c", true)
	s = openStore(t, dir)
	for _, id := range []string{"a", "b", "c"} {
		expectPaused(t, s, id, true, true)
	}
}

func TestUnusableDirIsError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
	if err := s.SetPaused("a", true); err == nil {
		t.Error("the store has a file")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("the watcher does not report a folder in place of the file")
	}
}

// A file that could not be read at the start is not overwritten: it has the state of other cameras.
func TestUnreadableFileIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	setPaused(t, s, "a", true)
	setPaused(t, s, "b", true)
	path := filepath.Join(dir, FileName)
	if err := os.Rename(path, path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(FileName, path); err != nil { // a link to itself: nobody can read it, not even root, but it can be replaced
		t.Fatal(err)
	}
	s, err := Open(dir)
	if !errors.Is(err, syscall.ELOOP) {
		t.Fatalf("got %v", err)
	}
	for range 2 {
		if err := s.SetPaused("b", false); !errors.Is(err, syscall.ELOOP) || !strings.Contains(err.Error(), "does not overwrite") {
			t.Errorf("got %v", err)
		}
	}
	expectPaused(t, s, "b", false, true)
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Fatalf("the file was overwritten: %v, %v", info, err)
	}
	if err := os.Rename(path+".real", path); err != nil {
		t.Fatal(err)
	}
	setPaused(t, s, "c", false) // the file can be read again, and no change is lost
	s = openStore(t, dir)
	expectPaused(t, s, "a", true, true)
	expectPaused(t, s, "b", false, true)
	expectPaused(t, s, "c", false, true)
}

func TestConcurrentSetPaused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	var all sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			for _, paused := range []bool{true, false, true} {
				if err := s.SetPaused(id, paused); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	s = openStore(t, dir)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		expectPaused(t, s, id, true, true)
	}
}
