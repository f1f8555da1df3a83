package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// indentationErrors are the parser's errors for a line with another indentation than the lines above. Each has other causes, too.
var indentationErrors = regexp.MustCompile(`mapping values are not allowed|did not find expected (key|'-'|<document start>)`)

// lineWithKey matches a line that begins with a key, or with an entry of a list that does. Its groups are the indentation, the dashes of
// entries, and what follows the key.
var lineWithKey = regexp.MustCompile(`^( *)((?:- +)*)(?:[\w.-]+|"[^"]*"|'[^']*'):(?:\s+([^\s#].*))?(?:\s.*)?$`)

// linePosition is where the parts of a line begin. Columns count from 1.
type linePosition struct {
	number         int
	dash, key      int // dash is 0 in a line without
	takesNestedKey bool
}

// positionOf returns the positions of a line that begins with a key.
func positionOf(number int, line string) (p linePosition, ok bool) {
	m := lineWithKey.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
	if m == nil {
		return p, false
	}
	p = linePosition{number: number, key: 1 + utf8.RuneCountInString(m[1]+m[2]), takesNestedKey: m[3] == ""}
	if m[2] != "" {
		p.dash = 1 + len(m[1])
	}
	return p, true
}

// explainIndentation returns what is wrong with the indentation of a line that the parser refuses; nothing if that is not the cause.
func explainIndentation(lines []string, number int, parserMessage string) string {
	at, ok := positionOf(number, lines[number-1])
	if !ok || !indentationErrors.MatchString(parserMessage) {
		return ""
	}
	what, column := "key", at.key
	if at.dash > 0 {
		what, column = "entry", at.dash
	}
	var near linePosition
	nearColumn, left := 0, 0 // left is the leftmost column of the lines in between
	for i := number - 1; i > 0; i-- {
		above, ok := positionOf(i, lines[i-1])
		if !ok {
			continue
		}
		if left == 0 && above.takesNestedKey && column > above.key {
			return "" // it is nested in that line
		}
		for _, c := range above.columns(what) {
			if left > 0 && c >= left {
				continue
			}
			if c == column {
				return ""
			}
			if nearColumn == 0 || distance(c, column) < distance(nearColumn, column) {
				near, nearColumn = above, c
			}
		}
		if first := above.first(); left == 0 || first < left {
			left = first
		}
	}
	if nearColumn == 0 {
		return ""
	}
	return fmt.Sprintf("the indentation differs from line %d: this %s begins in column %d, that one in column %d; use the same column, with spaces",
		near.number, what, column, nearColumn)
}

// columns returns where the line has a key or an entry.
func (p linePosition) columns(what string) []int {
	switch {
	case what == "key":
		return []int{p.key}
	case p.dash > 0:
		return []int{p.dash}
	}
	return nil
}

// first returns the column of the first character of the line.
func (p linePosition) first() int {
	if p.dash > 0 {
		return p.dash
	}
	return p.key
}

func distance(a, b int) int { return max(a-b, b-a) }
