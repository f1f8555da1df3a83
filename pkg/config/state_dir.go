package config

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
)

var stateDirLine = regexp.MustCompile(`(?m)^state_dir:.*$`)

// FindStateDir returns the state_dir of the file at path, whose text may have mistakes elsewhere; empty if it has none in a line of
// its own.
func FindStateDir(path string, text []byte) string {
	cfg, d := Default(), &decoder{file: path, dir: filepath.Dir(path), env: os.LookupEnv}
	if root := d.document(stateDirLine.Find(bytes.TrimPrefix(text, byteOrderMark))); root != nil {
		decode(d, "", root, fileFields(), cfg)
	}
	return cfg.StateDir
}
