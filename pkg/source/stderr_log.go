package source

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// stderrLog logs what a capture process, or the readers process, prints to its standard error.
type stderrLog struct {
	log        *zap.Logger
	secrets    secrets
	mu         sync.Mutex
	newestLine string
	crash      crashReport
}

// secrets removes secrets from a text. sourceurl.Redactor is one.
type secrets interface {
	Redact(text string) string
	MaxSecretBytes() int
}

// newStderrLog returns a stderrLog that logs to log, without secrets.
func newStderrLog(log *zap.Logger, s secrets) *stderrLog { return &stderrLog{log: log, secrets: s} }

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
	line := s.secrets.Redact(string(raw))
	if cut {
		line = line[:max(0, len(line)-s.secrets.MaxSecretBytes())]
	}
	return line
}

// logLine logs a line, in pieces if it is long, and keeps its first piece for lastLine.
func (s *stderrLog) logLine(whole string) {
	line := strings.TrimSpace(whole)
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
	s.crash.add(strings.TrimRight(whole, "\r\n"), first)
}

// lastLine returns the first line of a crash report if there was one, else the newest line.
func (s *stderrLog) lastLine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.crash.line, s.newestLine)
}

// crashReport returns what is known of a crash, with an empty line if there was none.
func (s *stderrLog) crashReport() crashReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crash
}
