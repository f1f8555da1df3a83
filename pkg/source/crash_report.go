package source

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"camd/pkg/source/readers"
)

// crashReport is what a process says about its crash.
type crashReport struct {
	line   string // the first line of the report, which may have hundreds; "" if there was no crash
	camera string // the camera whose goroutine crashed, by its label; "" if that is not known
	frame  string // the function and the line of code, outside of Go's runtime; "" if that is not known

	hasGoroutine bool   // the header of the first goroutine has come
	function     string // the function of the frame whose line of code comes next
}

// crashPattern matches the first line of a crash report of Go or C++.
var crashPattern = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+): |^terminate called `)

// goroutinePattern matches the header of a goroutine in a traceback. The label is there with GODEBUG=tracebacklabels=1.
var goroutinePattern = regexp.MustCompile(`^goroutine \d+ .*\[`)

var cameraPattern = regexp.MustCompile(`^goroutine \d+ .*labels:\{.*"` + readers.CameraLabel + `": ("(?:[^"\\]|\\.)*")`)

// add takes a line of the report, and the text of it that is logged. The first goroutine of a report is the one that crashed. Go indents
// all lines of a panic's value except its first, so no value looks like another line of the report.
func (c *crashReport) add(line, text string) {
	switch {
	case c.line == "":
		if crashPattern.MatchString(line) {
			c.line = text
		}
	case !c.hasGoroutine:
		c.hasGoroutine = goroutinePattern.MatchString(line)
		if m := cameraPattern.FindStringSubmatch(line); m != nil {
			c.camera, _ = strconv.Unquote(m[1])
		}
	case c.frame != "":
	case strings.HasPrefix(line, "\t") && c.function != "":
		position, _, _ := strings.Cut(filepath.Base(text), " ")
		c.frame = fmt.Sprintf("%s (%s)", c.function, position)
	case strings.HasPrefix(line, "\t"):
	default:
		c.function = frameFunction(text)
	}
}

// frameFunction returns the function of a line of a traceback, without its arguments. It returns "" for a function of the runtime.
func frameFunction(line string) string {
	for _, prefix := range []string{"panic(", "runtime.", "created by ", "goroutine "} {
		if strings.HasPrefix(line, prefix) {
			return ""
		}
	}
	if at := strings.LastIndexByte(line, '('); at > 0 {
		line = line[:at]
	}
	return line
}
