package config

import "fmt"

// namedFile is a file that the configuration names.
type namedFile struct {
	at   Problem // the message is the key
	path string
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
