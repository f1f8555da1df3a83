package config

import "fmt"

// position is where a key and its value stand. Columns count from 1.
type position struct{ key, value Problem }

// positions returns the places of all keys by their paths.
func positions(root *value, file string) map[string]position {
	all := map[string]position{}
	root.each("", func(path string, v *value) {
		key := v.keyNode()
		all[path] = position{Problem{file, key.Line, key.Column, ""}, Problem{file, v.node.Line, v.node.Column, ""}}
	})
	return all
}

// Has reports whether the file has a key. A path is the names of the keys and the numbers of list entries with slashes between them, such
// as auth/users/anna or cameras/0.
func (c *Config) Has(path string) bool {
	_, ok := c.positions[path]
	return ok
}

// ProblemAt returns a mistake in the value of a key.
func (c *Config) ProblemAt(path, format string, args ...any) Problem {
	p := c.positions[path].value
	p.Message = fmt.Sprintf(format, args...)
	return p
}

// ProblemAtKey returns a mistake whose place is the key, and not its value.
func (c *Config) ProblemAtKey(path, format string, args ...any) Problem {
	p := c.positions[path].key
	p.Message = fmt.Sprintf(format, args...)
	return p
}
