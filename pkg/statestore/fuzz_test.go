package statestore

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// Any file is either read, or renamed with an error. The state that was read can be changed, written and read again.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", "[]", `{"cameras":{}}`, `{"cameras":null}`, `{"cameras":{"a":{"paused":true},"b":{}}}`, `{"cameras":{"a":{"paused":null}},"cameras":{"b":{"paused":false}}}`,
		`{"CAMERAS":{"":{"paused":true}}}`, `{"cameras":{"a":{"paused":1}}}`, `{"cameras":{}} {}`, "\xef\xbb\xbf{}", `{"cameras":{"\ud800":{"paused":true}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir)
		if err != nil {
			if aside, failed := os.ReadFile(filepath.Join(dir, FileName+".damaged")); failed != nil || string(aside) != string(text) || len(s.cameras) > 0 {
				t.Fatalf("%v: %v is kept, %q set aside, %v", err, s.cameras, aside, failed)
			}
		}
		before := maps.Clone(s.cameras)
		was, _ := s.Paused("a")
		if err := s.SetPaused("a", !was); err != nil {
			t.Fatal(err)
		}
		again, err := Open(dir)
		if err != nil || len(again.cameras) != len(s.cameras) {
			t.Fatalf("%v is kept as %v, %v", s.cameras, again.cameras, err)
		}
		if now, known := again.Paused("a"); !known || now == was {
			t.Errorf("a is kept as %v, %v", now, known)
		}
		for id := range before {
			p, k := s.Paused(id)
			if q, l := again.Paused(id); p != q || k != l {
				t.Errorf("%q is kept as %v, %v, want %v, %v", id, q, l, p, k)
			}
		}
	})
}
