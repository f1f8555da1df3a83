package config

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var stateDirLine = regexp.MustCompile(`(?m)^state_dir:.*$`)

// FindStateDir returns the state_dir of the file at path. The text may have mistakes elsewhere. It returns an empty path if state_dir has
// no line of its own.
func FindStateDir(path string, text []byte) string {
	cfg, d := Default(), &decoder{file: path, dir: filepath.Dir(path), env: os.LookupEnv}
	if root := d.parseDocument(stateDirLine.Find(bytes.TrimPrefix(text, byteOrderMark))); root != nil {
		v := d.build(value{node: root, schema: declaration()})
		d.validate(v)
		d.read(v)
		decode(declaration(), v, cfg)
	}
	return cfg.StateDir
}

// CheckStateDir returns an error if camd makes or requests its certificate and has no directory to keep it in. dir is the state directory,
// which systemd may have made; empty if there is none.
func (c *Config) CheckStateDir(dir string) error {
	if dir != "" || c.TLS == nil || !c.TLS.SelfSigned && c.TLS.ACME == nil {
		return nil
	}
	path := "tls/self_signed"
	if c.TLS.ACME != nil {
		path = "tls/acme"
	}
	p := c.ProblemAtKey(path, `%s: there is no directory for the certificate; add a line such as "state_dir: state" (for a service whose directory `+
		`systemd makes: STATE_DIRECTORY=/var/lib/camd camd check)`, strings.TrimPrefix(path, "tls/"))
	return &Error{Problems: []Problem{p}}
}

// HasAuth reports whether a configuration's text has the section auth, even if the text has mistakes elsewhere. Text that is not YAML has
// none.
func HasAuth(text []byte) bool {
	var sections map[string]yaml.Node
	if err := yaml.Unmarshal(bytes.TrimPrefix(text, byteOrderMark), &sections); err != nil {
		return false
	}
	_, has := sections["auth"]
	return has
}
