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

// A secret is taken out wherever it stands in a line, however long that is, and none of it is left.
func TestSecretsInLongLines(t *testing.T) {
	const secret = "hush-QUITE-hush"
	for _, border := range []int{maxLine, 2 * maxLine, maxWhole} {
		for at := border - len(secret) - 1; at <= border+1; at++ {
			t.Run(fmt.Sprint(border, " at ", at-border), func(t *testing.T) {
				core, logs := observer.New(zap.DebugLevel)
				c := newChatter(zap.New(core), wire.Start{Source: "rtsp://camera.example/cam", Password: secret})
				c.read(iotest.HalfReader(strings.NewReader(strings.Repeat(".", at) + secret + strings.Repeat(".", maxWhole) + "\nnext\n")))
				var said strings.Builder
				for _, e := range logs.All() {
					line := e.ContextMap()["line"].(string)
					if len(line) > maxLine {
						t.Errorf("a line of %d bytes", len(line))
					}
					said.WriteString(line)
				}
				if left := strings.Trim(said.String(), ".*next"); left != "" {
					t.Errorf("%q is left", left)
				}
				if c.last() != "next" || logs.Len() < maxWhole/maxLine {
					t.Errorf("%d lines, the last %q", logs.Len(), c.last())
				}
			})
		}
	}
}

// What a long line begins with is what a crash is told by.
func TestLongReportOfACrash(t *testing.T) {
	c := newChatter(zap.NewNop(), wire.Start{Source: "test://"})
	c.read(strings.NewReader("panic: " + strings.Repeat("x", 2*maxLine) + "\ngoroutine 1\n"))
	if got := c.last(); !strings.HasPrefix(got, "panic: x") || len(got) != maxLine {
		t.Errorf("%q", got)
	}
}
