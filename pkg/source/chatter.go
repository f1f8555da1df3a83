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

	"camd/pkg/source/wire"
)

// chatter turns what OpenCV and FFmpeg print into log lines of the camera.
type chatter struct {
	log     *zap.Logger
	secrets secrets
	mu      sync.Mutex
	newest  string
	death   string // the line that begins a crash's report, of hundreds
}

// deaths are how Go and C++ begin to report a crash.
var deaths = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+): |^terminate called `)

// newChatter logs to log, without the secrets of what the process was told.
func newChatter(log *zap.Logger, start wire.Start) *chatter {
	return &chatter{log: log, secrets: secretsOf(start)}
}

const (
	maxLine  = 1000     // bytes of a line of chatter; what is longer is logged in pieces
	maxWhole = 16 << 10 // what is longer yet is cut off
)

// read logs lines until r ends.
func (c *chatter) read(r io.Reader) {
	in := bufio.NewReaderSize(r, maxWhole)
	for beyond := false; ; {
		raw, err := in.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if !beyond {
			c.say(c.clean(raw, cut))
		}
		if beyond = cut; err != nil && !cut {
			return
		}
	}
}

// clean takes the secrets out of a line. One that was cut may end with the beginning of a secret, which is left out.
func (c *chatter) clean(raw []byte, cut bool) string {
	line := c.secrets.hide(string(raw))
	if cut {
		line = line[:max(0, len(line)-c.secrets.longest)]
	}
	return line
}

// say logs a line.
func (c *chatter) say(line string) {
	line = strings.TrimSpace(line)
	if line == "" {
		return
	}
	first := ""
	for len(line) > 0 {
		piece := strings.ToValidUTF8(line[:min(maxLine, len(line))], "?")
		line = line[min(maxLine, len(line)):]
		c.log.Debug("capture output", zap.String("line", piece))
		first = cmp.Or(first, piece)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = first
	if c.death == "" && deaths.MatchString(first) {
		c.death = first
	}
}

// last returns the newest line, or the one that says what the process died of.
func (c *chatter) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.death, c.newest)
}
