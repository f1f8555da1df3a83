package access

import (
	"os"
	"path/filepath"
	"testing"
)

// Any sessions file is either read or refused, within the limits. Sessions that were read can be written and read again.
func FuzzSessions(f *testing.F) {
	const sum = "00000000000000000000000000000000000000000000000000000000000000ff"
	for _, text := range []string{
		"", "[]", "null", "{}", "[{}]", `[{"sum":"` + sum + `","user":"anna","print":"` + sum + `","begun":"2999-01-01T00:00:00Z","used":"2999-01-01T00:00:00Z"}]`,
		`[{"sum":"` + sum + `","print":"` + sum + `","used":"0001-01-01T00:00:00Z"},{"sum":"` + sum + `","print":"` + sum + `"}]`, `[{"sum":"00"}]`, `[{"used":"x"}]`,
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), SessionsFile)
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenSessions(SessionOptions{Path: path, MaxSessions: 5})
		if s == nil || err != nil && len(s.all) > 0 || len(s.all) > 5 {
			t.Fatalf("%v, %v", s, err)
		}
		if err != nil {
			return
		}
		s.save()
		again, err := OpenSessions(SessionOptions{Path: path, MaxSessions: 5})
		if err != nil || len(again.all) > len(s.all) {
			t.Fatalf("%q was saved and read again as %v, %v", text, again.all, err)
		}
		for key, one := range again.all {
			was := s.all[key]
			if was == nil || was.user != one.user || was.fingerprint != one.fingerprint || !was.createdAt.Equal(one.createdAt) || !was.usedAt.Equal(one.usedAt) {
				t.Errorf("%+v was saved as %+v", was, one)
			}
		}
	})
}
