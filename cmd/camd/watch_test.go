package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What is watched of files behind links: each folder in which something could become another.
func TestFolders(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"archive/2026", "etc", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"etc/live": "../archive/2026", "etc/cert.pem": "../elsewhere/cert.pem", "elsewhere/cert.pem": filepath.Join(root, "archive/2026/cert.pem"), "etc/loop": "loop",
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string][]string{
		"archive/2026/cert.pem": {"archive/2026"},
		"archive/none/cert.pem": {"archive/none"},
		"etc/live/cert.pem":     {"archive/2026", "etc", "etc/live"},
		"etc/cert.pem":          {"archive/2026", "elsewhere", "etc"},
		"etc/loop":              {"etc"},
	} {
		var got []string
		for _, dir := range slices.Sorted(maps.Keys(folders([]string{filepath.Join(root, path)}))) {
			relative, err := filepath.Rel(root, dir)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, relative)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
