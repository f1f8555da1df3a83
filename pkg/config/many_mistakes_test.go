package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// However many mistakes a file has, 50 are listed and the others are counted.
func TestManyMistakesAreCounted(t *testing.T) {
	var unknown strings.Builder
	for i := range 80_000 {
		fmt.Fprintf(&unknown, "k%07d: 1\n", i)
	}
	for name, c := range map[string]struct {
		file string
		more int
	}{
		"unknown keys":       {unknown.String(), 79_950},
		"entries":            {"cameras: [" + strings.Repeat("x,", 1000) + "]", 950},
		"too many values":    {"cameras: [" + strings.Repeat("x,", 200_000) + "]", 99_949},
		"aliases":            {"hosts: [" + strings.Repeat("*a,", 1000) + "]\n", 0}, // the parser refuses the first
		"a camera not there": {"auth: {anonymous: {role: view, cameras: [" + strings.Repeat("x,", 1000) + "]}}", 950},
	} {
		_, err := Parse("camd.yaml", []byte(c.file), env)
		var mistakes *Error
		if !errors.As(err, &mistakes) {
			t.Fatalf("%s: %v", name, err)
		}
		if len(mistakes.Problems) > 50 || mistakes.More != c.more {
			t.Errorf("%s: %d listed and %d more, want at most 50 and %d more", name, len(mistakes.Problems), mistakes.More, c.more)
		}
		for _, p := range mistakes.Problems {
			if p.Message == "" {
				t.Errorf("%s: line %d without a message", name, p.Line)
			}
		}
		if text := err.Error(); len(text) > 20_000 || c.more > 0 && !strings.HasSuffix(text, fmt.Sprintf("\nand %d more mistakes", c.more)) {
			t.Errorf("%s: %d bytes that end with %q", name, len(text), text[max(0, len(text)-60):])
		}
	}
}

// Aliases are not expanded, and nesting has a limit.
func TestDocumentsThatGrowAreRefused(t *testing.T) {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 30; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9))
	}
	for name, file := range map[string]string{
		"aliases of aliases": laughs + "cameras: *a29\n", "nested lists": strings.Repeat("[", 1<<20), "nested groups": strings.Repeat("{a: ", 1<<18),
		"nested entries": strings.Repeat("- ", 1<<19), "nested keys": strings.Repeat("? ", 1<<19),
	} {
		_, err := Parse("camd.yaml", []byte(file), env)
		var mistakes *Error
		if !errors.As(err, &mistakes) || len(mistakes.Problems) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
