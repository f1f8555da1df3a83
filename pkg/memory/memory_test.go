package memory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func open(t *testing.T, dir string) *Memory {
	t.Helper()
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func set(t *testing.T, m *Memory, id string, paused bool) {
	t.Helper()
	if err := m.SetPaused(id, paused); err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, m *Memory, id string, paused, known bool) {
	t.Helper()
	if p, k := m.Paused(id); p != paused || k != known {
		t.Errorf("%s: paused %v, known %v; want %v, %v", id, p, k, paused, known)
	}
}

func TestKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "camd")
	m := open(t, dir)
	is(t, m, "a", false, false)
	set(t, m, "a", true)
	set(t, m, "b", false)
	set(t, m, "c", true)
	set(t, m, "c", false)

	m = open(t, dir)
	is(t, m, "a", true, true)
	is(t, m, "b", false, true)
	is(t, m, "c", false, true)
	is(t, m, "d", false, false)
	set(t, m, "a", false) // and leave the others, which this camd may not know
	m = open(t, dir)
	is(t, m, "a", false, true)
	is(t, m, "b", false, true)

	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("in the folder: %v, %v", left, err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, Name): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestWithoutPlace(t *testing.T) {
	m := open(t, "")
	for range 2 {
		if err := m.SetPaused("a", true); !errors.Is(err, ErrNoPlace) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"cameras": {"a": {"pau`, "other": `[1]`, "kind": `{"cameras": {"a": {"paused": "yes"}}}`,
		"more": `{"cameras": {}} {}`, "nothing": `{}`, "null": `{"cameras": null}`,
		"large": `{"cameras": {}}` + strings.Repeat(" ", largest),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, Name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := Open(dir)
			if err == nil || !strings.HasPrefix(err.Error(), path+" is damaged: ") || !strings.HasSuffix(err.Error(), "; it is "+path+".damaged now") {
				t.Errorf("got %v", err)
			}
			is(t, m, "a", false, false)
			if aside, err := os.ReadFile(path + ".damaged"); err != nil || string(aside) != text {
				t.Errorf("set aside: %d bytes, %v", len(aside), err)
			}
			set(t, m, "a", true)
			is(t, open(t, dir), "a", true, true)
		})
	}
}

// What cannot be written is said, and goes with what can be later.
func TestDiskThatFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "camd")
	m := open(t, dir)
	set(t, m, "a", true)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing new, and still nothing is kept
		if err := m.SetPaused("b", true); err == nil {
			t.Error("kept without a folder")
		}
	}
	is(t, m, "b", true, true)
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
	set(t, m, "c", true)
	m = open(t, dir)
	for _, id := range []string{"a", "b", "c"} {
		is(t, m, id, true, true)
	}
}

func TestPlaceThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
	if err := m.SetPaused("a", true); err == nil {
		t.Error("kept in a file")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Name), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder in the file's place is not seen")
	}
}

// What could not be read at the start is not written over: other cameras' switches are in it.
func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir)
	set(t, m, "a", true)
	set(t, m, "b", true)
	path := filepath.Join(dir, Name)
	if err := os.Rename(path, path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(Name, path); err != nil { // a link to itself: unreadable for everybody, root too, and replaceable
		t.Fatal(err)
	}
	m, err := Open(dir)
	if !errors.Is(err, syscall.ELOOP) {
		t.Fatalf("got %v", err)
	}
	for range 2 {
		if err := m.SetPaused("b", false); !errors.Is(err, syscall.ELOOP) || !strings.Contains(err.Error(), "not written over") {
			t.Errorf("got %v", err)
		}
	}
	is(t, m, "b", false, true)
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Fatalf("written over: %v, %v", info, err)
	}
	if err := os.Rename(path+".real", path); err != nil {
		t.Fatal(err)
	}
	set(t, m, "c", false) // it can be read again, and nothing is lost
	m = open(t, dir)
	is(t, m, "a", true, true)
	is(t, m, "b", false, true)
	is(t, m, "c", false, true)
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir)
	var all sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			for _, paused := range []bool{true, false, true} {
				if err := m.SetPaused(id, paused); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	m = open(t, dir)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		is(t, m, id, true, true)
	}
}
