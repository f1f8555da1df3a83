package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// byteOrderMark is what Windows editors write at the beginning of UTF-8 files.
var byteOrderMark = []byte("\ufeff")

// parseDocument returns the root of the one YAML document in data, or nil if there is none or data is not YAML.
func (d *decoder) parseDocument(data []byte) *yaml.Node {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if !d.isText(data) {
		return nil
	}
	d.lines = lineBreaks.Split(string(data), -1)
	var first, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&first); err != nil {
		d.syntaxError(data, err)
		return nil
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntaxError(data, err)
		return nil
	default:
		d.errorf(&second, "a second YAML document begins here; remove the --- above it")
	}
	return first.Content[0]
}

// lineBreaks are what ends a line for the parser.
var lineBreaks = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")

// isText reports whether data is text as YAML allows it. It runs before the parser, whose errors for such bytes have no place.
func (d *decoder) isText(data []byte) bool {
	if len(data) > MaxFileSize {
		d.errorfAt(1, 1, "the file is larger than 1 MiB; check whether it is a configuration")
		return false
	}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		d.errorfAt(1, 1, "the file is UTF-16; save it as UTF-8")
		return false
	}
	line, column := 1, 1
	for rest := data; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			d.errorfAt(line, column, "byte 0x%02x is not UTF-8; save the file as UTF-8", rest[0])
			return false
		case !isPrintable(r):
			d.errorfAt(line, column, "control character U+%04X; remove it", r)
			return false
		case r == '\n':
			line, column = line+1, 0
		}
		rest, column = rest[n:], column+1
	}
	return true
}

// isPrintable reports whether YAML 1.2.2, section 5.1, allows a character (c-printable), without a byte order mark in the middle.
func isPrintable(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85:
		return true
	case r < ' ', 0x7f <= r && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

// syntaxHints lists the parser's errors and what most likely causes each.
var syntaxHints = []struct{ says, means string }{
	{"mapping values are not allowed", `": " is not possible here: the line above may lack its ": ", the indentation may differ, or a text with ": " must be in quotes`},
	{"did not find expected key", "the indentation differs from the lines above, or a quote or bracket is not closed"},
	{"did not find expected '-'", `every entry of a list must begin with "- " in the same column`},
	{"could not find expected ':'", `a key must be followed by ": "`},
	{"cannot start any token", "a text that begins with @, ` or % must be in quotes"},
	{"unknown anchor", "a text that begins with * must be in quotes"}, // the parser repeats it, and it may be a password
	{"unexpected end of stream", "a quote is not closed"},
	{"did not find expected ',' or ']'", "a [ is not closed, or a comma is missing"},
	{"did not find expected ',' or '}'", "a { is not closed, or a comma is missing"},
	{"did not find expected node content", "a value is missing, or a bracket is in the wrong place"},
	{"unknown escape character", `in "double quotes" a \ begins an escape; write \\ or use 'single quotes'`},
}

// syntaxError reports the parser's error at the first character of its line.
func (d *decoder) syntaxError(data []byte, err error) {
	if errors.Is(err, io.EOF) {
		d.errorfAt(1, 1, "%s", emptyFileMessage)
		return
	}
	lines := strings.SplitAfter(string(data), "\n")
	number, message := errorLine(lines, strings.TrimPrefix(err.Error(), "yaml: "))
	text := lines[number-1]
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		d.errorfAt(number, tab+1, "a tab indents this line; use spaces")
		return
	}
	if problem := explainIndentation(lines, number, message); problem != "" {
		d.errorfAt(number, len(indent)+1, "%s", problem)
		return
	}
	for _, h := range syntaxHints {
		if strings.Contains(message, h.says) {
			message = h.means
			break
		}
	}
	d.errorfAt(number, len(indent)+1, "not valid YAML: %s", message)
}

// errorLine returns the line of a syntax error. The parser names the line where the group with the error begins, or the one before it, or
// none. So errorLine searches for the longest valid beginning of the file; the next line has the error.
func errorLine(lines []string, parserMessage string) (number int, message string) {
	budget := 4 << 20 // bytes to parse at most; after that the parser's line is used
	number, message = 1, parserMessage
	if after, ok := strings.CutPrefix(parserMessage, "line "); ok {
		n, rest, _ := strings.Cut(after, ": ")
		if i, err := strconv.Atoi(n); err == nil {
			number, message = min(max(i, 1), len(lines)), rest
		}
	}
	for n := len(lines) - 1; n > 0; n-- {
		start := strings.Join(lines[:n], "")
		if budget -= len(start); budget < 0 {
			return number, message
		}
		if isYAML(start) {
			return n + 1, message
		}
	}
	return 1, message
}

func isYAML(s string) bool {
	dec := yaml.NewDecoder(strings.NewReader(s))
	for {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}

// rejectReferences reports anchors, aliases and merge keys, by which one place of a file changes another.
func (d *decoder) rejectReferences(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		d.errorf(n, "aliases (*name) are not supported: write the value itself, in quotes if it begins with *")
		return
	case n.Anchor != "":
		d.errorf(n, "anchors (&name) are not supported: write the value itself, in quotes if it begins with &")
	case n.Style&yaml.TaggedStyle != 0:
		d.errorf(n, "tags (!name) are not supported: put a text that begins with ! in quotes")
	}
	for _, child := range n.Content {
		d.rejectReferences(child)
	}
}

// errorf reports a mistake at n.
func (d *decoder) errorf(n *yaml.Node, format string, args ...any) {
	d.errorfAt(n.Line, n.Column, format, args...)
}

func (d *decoder) errorfAt(line, column int, format string, args ...any) {
	message := ""
	if !d.isFull() {
		message = fmt.Sprintf(format, args...)
	}
	d.problems = append(d.problems, Problem{d.file, max(line, 1), max(column, 1), message})
}
