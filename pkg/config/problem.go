package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a configuration file.
type Problem struct {
	File         string
	Line, Column int // from 1
	Message      string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Error is every mistake in a configuration file, in the order of their places.
type Error struct{ Problems []Problem }

// Error puts each problem on a line of its own.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err returns the problems found so far as an *Error.
func (d *decoder) err() error {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(d.rank(a)-d.rank(b), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: slices.Compact(d.problems)}
}

// rank puts files that the configuration names behind it.
func (d *decoder) rank(p Problem) int {
	if p.File == d.file {
		return 0
	}
	return 1
}
