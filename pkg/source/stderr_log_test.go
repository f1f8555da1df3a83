package source

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/source/wire"
)

// A secret is removed at any place in a line of any length, and no part of it is left.
func TestStderrLogRedactsSecretsInLongLines(t *testing.T) {
	const secret = "hush-QUITE-hush"
	for _, border := range []int{maxLogLine, 2 * maxLogLine, maxLineBytes} {
		for at := border - len(secret) - 1; at <= border+1; at++ {
			t.Run(fmt.Sprint(border, " at ", at-border), func(t *testing.T) {
				core, logs := observer.New(zap.DebugLevel)
				c := newStderrLog(zap.New(core), newRedactor(wire.Start{Source: "rtsp://camera.example/cam", Password: secret}))
				c.read(iotest.HalfReader(strings.NewReader(strings.Repeat(".", at) + secret + strings.Repeat(".", maxLineBytes) + "\nnext\n")))
				var said strings.Builder
				for _, e := range logs.All() {
					line := e.ContextMap()["line"].(string)
					if len(line) > maxLogLine {
						t.Errorf("a line of %d bytes", len(line))
					}
					said.WriteString(line)
				}
				if left := strings.Trim(said.String(), ".*next"); left != "" {
					t.Errorf("%q is left", left)
				}
				if c.lastLine() != "next" || logs.Len() < maxLineBytes/maxLogLine {
					t.Errorf("%d lines, the last %q", logs.Len(), c.lastLine())
				}
			})
		}
	}
}

// The beginning of a long line is kept as the reason of a crash.
func TestStderrLogKeepsFirstLineOfCrash(t *testing.T) {
	c := newStderrLog(zap.NewNop(), newRedactor(wire.Start{Source: "test://"}))
	c.read(strings.NewReader("panic: " + strings.Repeat("x", 2*maxLogLine) + "\ngoroutine 1\n"))
	if got := c.lastLine(); !strings.HasPrefix(got, "panic: x") || len(got) != maxLogLine {
		t.Errorf("%q", got)
	}
}
