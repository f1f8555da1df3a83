package config

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, path := range []string{examplePath, "testdata/mistakes.txt"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "=>\n") {
			f.Add([]byte(part))
		}
	}
	for _, s := range []string{"", "a: &a [*a]", "{{{{", "- - - -", "? ? ?", "a: |\n  b\n c", "\xff\xfe", "--- ---", "!!binary x", "<<: 1", "\u2028"} {
		f.Add([]byte(s))
	}
	const canary = "c4nary/p@ss?=x"
	f.Fuzz(func(t *testing.T, data []byte) {
		// Whatever stands around it, what only the environment knows is in no message.
		cfg, err := Parse("camd.yaml", bytes.ReplaceAll(data, []byte("hunter2"), []byte("${SECRET}")), func(name string) (string, bool) {
			if name == "SECRET" {
				return canary, true
			}
			return env(name)
		})
		if err == nil {
			for _, c := range cfg.Cameras {
				if !IsCameraID(c.ID) || c.Source.Kind == "" || c.Quality < 1 || c.Title == "" {
					t.Errorf("accepted %+v", c)
				}
			}
			return
		}
		var mistakes *Error
		if !errors.As(err, &mistakes) || len(mistakes.Problems) == 0 {
			t.Fatalf("got %v, want an *Error with problems", err)
		}
		for _, p := range mistakes.Problems {
			if strings.Contains(p.Message, canary) {
				t.Errorf("a secret is in %s", p)
			}
			if p.Line < 1 || p.Column < 1 || p.Message == "" || strings.Contains(p.Message, "\n") {
				t.Errorf("no place or message: %+v", p)
			}
		}
	})
}
