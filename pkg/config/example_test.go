package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

const examplePath = "../../deploy/camd.example.yaml"

func TestExampleLoads(t *testing.T) {
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse(examplePath, text, env)
	if err != nil {
		t.Fatal(err)
	}
	defaults := Default()
	if cfg.Listen != defaults.Listen || cfg.Limits.Viewers != defaults.Limits.Viewers || cfg.SendBuffer != defaults.SendBuffer || cfg.Log != defaults.Log || cfg.WriteTimeout != defaults.WriteTimeout {
		t.Errorf("the example's values are not the defaults that its comments name: %+v", cfg)
	}
	if len(cfg.Cameras) < 5 {
		t.Errorf("got %d cameras, want one of each kind of source", len(cfg.Cameras))
	}
}

// Every key is in the example, in use or in a comment that is right once uncommented.
func TestExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range keyGroups() {
		for _, key := range p.keys() {
			if !regexp.MustCompile(`(?m)^[ #-]*` + key + `:( |$)`).Match(text) {
				t.Errorf("key %q of %q is not in %s", key, p.path, examplePath)
			}
		}
	}
}

func TestExampleCommentsAreRight(t *testing.T) {
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	const inUse = "    password: not-a-real-one # Password at the camera. Default: none\n"
	for comment, want := range map[string]string{
		"    # password: ${YARD_PASSWORD} ":   "",
		"    # password_file: yard.password ": "20: password_file: no such file or directory, below /",
	} {
		if !strings.Contains(string(text), comment) || !strings.Contains(string(text), inUse) {
			t.Fatalf("%q or %q is not in the example", comment, inUse)
		}
		used := strings.Replace(string(text), comment, strings.Replace(comment, "# ", "", 1), 1)
		_, err := Parse("/camd.yaml", []byte(strings.Replace(used, inUse, "", 1)), func(string) (string, bool) { return "x", true })
		if want != "" { // in the line of the comment, when the one above it is gone
			want = fmt.Sprintf("/camd.yaml:%d:%s", strings.Count(string(text)[:strings.Index(string(text), comment)], "\n"), want)
		}
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("%q: got %s, want %q", comment, got, want)
		}
	}
}

// The comment of a key in the example names the default of the schema.
func TestExampleNamesDefaults(t *testing.T) {
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, g := range keyGroups() {
		for _, p := range g.schema.Properties {
			byDefault := strings.Trim(string(p.Default), `"`)
			names := regexp.MustCompile(`Default: ` + regexp.QuoteMeta(byDefault) + `\b`)
			found := byDefault == ""
			for i, line := range lines {
				if regexp.MustCompile(`^[ #-]*` + p.key + `:`).MatchString(line) {
					near := regexp.MustCompile(`\s+(# *)*`).ReplaceAllString(strings.Join(lines[max(i-5, 0):min(i+4, len(lines))], " "), " ")
					found = found || names.MatchString(near)
				}
			}
			if !found {
				t.Errorf("%s.%s: the example does not say that the default is %s", g.path, p.key, byDefault)
			}
		}
	}
}
