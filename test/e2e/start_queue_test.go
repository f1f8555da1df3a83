package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testrun"
)

// Many cameras start on a machine on which only one capture process at a time can load OpenCV. The last one is loaded long after its open
// timeout. Each is started once, none is ended by a timeout, and no more of them load at a time than camd has processors.
func TestManyCamerasStartWithoutRestarts(t *testing.T) {
	const cameras, processors = 12, 2
	bin, starts := slowLoading(t)
	config := "cameras:\n"
	for i := range cameras {
		config += fmt.Sprintf("  - {id: cam%d, source: 'test://?size=320x180&fps=2', open_timeout: 3s}\n", i)
	}
	d := start(t, options{config: config, bin: bin, env: []string{fmt.Sprintf("GOMAXPROCS=%d", processors)}})
	for i := range cameras {
		s := d.waitForState("cam"+itoa(i), "live")
		for reason, n := range s.Counts.Restarts {
			if n > 0 {
				t.Errorf("%s: %d restarts by %s, want none", s.ID, n, reason)
			}
		}
	}
	begun, loading, most := 0, 0, 0
	for line := range strings.Lines(string(readFile(t, starts))) {
		if line == "begin\n" {
			begun++
			loading++
			most = max(most, loading)
		} else {
			loading--
		}
	}
	if begun != cameras || most > processors {
		t.Errorf("%d processes started, and at most %d loaded at a time; want %d and %d", begun, most, cameras, processors)
	}
}

// slowLoading returns a directory with camd and a camd-capture that takes 0.7 s to load, one process at a time. The file starts gets a
// line when a process begins to load and when it is loaded.
func slowLoading(t *testing.T) (bin, starts string) {
	t.Helper()
	bin = t.TempDir()
	starts = filepath.Join(bin, "starts")
	copyProgram(t, "camd", bin)
	script := fmt.Sprintf(`#!/bin/sh
echo begin >>%[1]s
exec 9>%[1]s.lock
flock 9
sleep 0.7
exec 9>&-
echo end >>%[1]s
exec %[2]s "$@"
`, starts, testrun.Program(t, "camd-capture"))
	if err := os.WriteFile(filepath.Join(bin, "camd-capture"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return bin, starts
}
