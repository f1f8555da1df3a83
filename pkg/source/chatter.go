package source

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"go.uber.org/zap"

	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// chatter turns what OpenCV and FFmpeg print into log lines of the camera.
type chatter struct {
	log    *zap.Logger
	scrub  *strings.Replacer
	mu     sync.Mutex
	newest string
	death  string // the line that begins a crash's report, of hundreds
}

// deaths are how Go and C++ begin to report a crash.
var deaths = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+): |^terminate called `)

// newChatter logs to log. FFmpeg likes to print the address it was given, so the password is taken out of every line, as
// it stands and as a URL has it, and so is the address' query, where cameras often take another.
func newChatter(log *zap.Logger, start wire.Start) *chatter {
	var pairs []string
	hide := func(secret string) {
		if secret != "" {
			pairs = append(pairs, secret, "***")
		}
	}
	inURL := strings.TrimPrefix(url.UserPassword("", start.Password).String(), ":")
	hide(inURL)
	hide(url.QueryEscape(start.Password))
	hide(start.Password)
	if src, err := spec.Parse(start.Source); err == nil && src.Network() {
		pairs = append(pairs, start.Source, src.String())
		hide(src.URL.RawQuery)
	}
	return &chatter{log: log, scrub: strings.NewReplacer(pairs...)}
}

// maxLine bounds a line of chatter; what is longer is logged in pieces.
const maxLine = 1000

// read logs lines until r ends.
func (c *chatter) read(r io.Reader) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		raw, err := in.ReadSlice('\n')
		line := c.scrub.Replace(strings.ToValidUTF8(strings.TrimSpace(string(raw)), "?"))
		if line != "" {
			c.log.Debug("capture output", zap.String("line", line))
			c.mu.Lock()
			c.newest = line
			if c.death == "" && deaths.MatchString(line) {
				c.death = line
			}
			c.mu.Unlock()
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// last returns the newest line, or the one that says what the process died of.
func (c *chatter) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.death, c.newest)
}
