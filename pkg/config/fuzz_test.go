package config

import (
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
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse("camd.yaml", data, env)
		if err == nil {
			for _, c := range cfg.Cameras {
				if !isID(c.ID) || c.Source.Kind == "" || c.Quality < 1 || c.Title == "" {
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
			if p.Line < 1 || p.Column < 1 || p.Message == "" || strings.Contains(p.Message, "\n") {
				t.Errorf("no place or message: %+v", p)
			}
		}
	})
}
