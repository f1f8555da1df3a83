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

// maxListedProblems is how many mistakes an Error lists.
const maxListedProblems = 50

// Error holds the mistakes in a configuration file, in the order of their places.
type Error struct {
	Problems []Problem // at most maxListedProblems: the first that were found
	More     int       // further mistakes, which are not listed
}

// Error puts each problem on a line of its own.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems), len(e.Problems)+1)
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more mistakes", e.More))
	}
	return strings.Join(lines, "\n")
}

// isFull reports whether further mistakes are only counted, so that their texts need not be made.
func (d *decoder) isFull() bool { return len(d.problems) >= maxListedProblems }

// problemsError returns the problems found so far as an *Error.
func (d *decoder) problemsError() error {
	listed := d.problems[:min(len(d.problems), maxListedProblems)]
	more := len(d.problems) - len(listed)
	slices.SortStableFunc(listed, func(a, b Problem) int {
		return cmp.Or(d.fileRank(a)-d.fileRank(b), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: slices.Compact(listed), More: more}
}

// fileRank sorts files that the configuration names after the configuration.
func (d *decoder) fileRank(p Problem) int {
	if p.File == d.file {
		return 0
	}
	return 1
}
