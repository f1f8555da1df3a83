package source

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"

	"go.uber.org/zap"

	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// stderrLog logs what OpenCV and FFmpeg print to the standard error of a capture process.
type stderrLog struct {
	log        *zap.Logger
	redactor   sourceurl.Redactor
	mu         sync.Mutex
	newestLine string
	crashLine  string // the first line of a crash report, which may have hundreds
}

// crashPattern matches the first line of a crash report of Go or C++.
var crashPattern = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+): |^terminate called `)

// newStderrLog returns a stderrLog that logs to log, without the secrets in start.
func newStderrLog(log *zap.Logger, start wire.Start) *stderrLog {
	return &stderrLog{log: log, redactor: newRedactor(start)}
}

const (
	maxLogLine   = 1000     // bytes of a line in the log; a longer line is logged in pieces
	maxLineBytes = 16 << 10 // bytes of a line that is read; the rest of a longer line is left out
)

// read logs lines until r ends.
func (s *stderrLog) read(r io.Reader) {
	in := bufio.NewReaderSize(r, maxLineBytes)
	for skipping := false; ; {
		raw, err := in.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if !skipping {
			s.logLine(s.redactLine(raw, cut))
		}
		if skipping = cut; err != nil && !cut {
			return
		}
	}
}

// redactLine removes the secrets from a line. A line that was cut may end with the beginning of a secret, so its end is left out.
func (s *stderrLog) redactLine(raw []byte, cut bool) string {
	line := s.redactor.Redact(string(raw))
	if cut {
		line = line[:max(0, len(line)-s.redactor.MaxSecretBytes())]
	}
	return line
}

// logLine logs a line, in pieces if it is long, and keeps its first piece for lastLine.
func (s *stderrLog) logLine(line string) {
	line = strings.TrimSpace(line)
	if line == "" {
		return
	}
	first := ""
	for len(line) > 0 {
		piece := strings.ToValidUTF8(line[:min(maxLogLine, len(line))], "?")
		line = line[min(maxLogLine, len(line)):]
		s.log.Debug("capture output", zap.String("line", piece))
		first = cmp.Or(first, piece)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newestLine = first
	if s.crashLine == "" && crashPattern.MatchString(first) {
		s.crashLine = first
	}
}

// lastLine returns the first line of a crash report if there was one, else the newest line.
func (s *stderrLog) lastLine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.crashLine, s.newestLine)
}
