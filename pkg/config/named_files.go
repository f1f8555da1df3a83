package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// namedFile is a file that the configuration names.
type namedFile struct {
	at   Problem // the message is the key
	path string
}

// nameFile records that the value of a key is a file. It leaves out credentials of systemd, which hands over copies that camd can read.
func (d *decoder) nameFile(key string, n *yaml.Node, path string) {
	if strings.Contains(n.Value, "${CREDENTIALS_DIRECTORY}") {
		return
	}
	d.files = append(d.files, namedFile{Problem{d.file, n.Line, n.Column, key}, path})
}

// CheckFiles calls check with the path of each file of secrets, users and certificates that the configuration names, except credentials
// of systemd. It returns an *Error with what check refuses.
func (c *Config) CheckFiles(check func(path string) error) error {
	d := &decoder{}
	for _, f := range c.files {
		if err := check(f.path); err != nil {
			p := f.at
			p.Message = fmt.Sprintf("%s: %v", p.Message, err)
			d.file, d.problems = p.File, append(d.problems, p)
		}
	}
	if len(d.problems) == 0 {
		return nil
	}
	return d.problemsError()
}
