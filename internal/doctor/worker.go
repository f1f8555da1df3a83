package doctor

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// startupTimeout is how long the capture program may take to report its version. Loading OpenCV takes a moment.
const startupTimeout = 30 * time.Second

// checkWorker checks that the capture program exists, and that its OpenCV works.
func checkWorker(ctx context.Context, find func() (string, error)) []Finding {
	path, err := find()
	if err != nil {
		return []Finding{fail("capture", "run make build, or install camd-capture next to camd or in /usr/lib/camd", "%v", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, startupTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	text := strings.TrimSpace(string(out))
	switch {
	case err != nil && strings.Contains(text, "shared libraries"):
		return []Finding{fail("capture", "install OpenCV's libraries (on Debian 12: sudo apt install libopencv-videoio406); `ldd "+path+"` shows which are missing", "%s: %s", path, text)}
	case err != nil:
		return []Finding{fail("capture", "", "%s does not start: %v: %s", path, err, text)}
	}
	first, rest, _ := strings.Cut(text, "\n")
	all := []Finding{ok("capture", "%s: %s", path, first)}
	if rest = strings.TrimSpace(rest); rest == "" {
		return all
	}
	return append(all, checkBackends(rest))
}

// neededBackends are the backends of OpenCV with which camd reads cameras, and what each one reads.
var neededBackends = []struct{ name, reads string }{{"V4L2", "local cameras"}, {"FFMPEG", "network cameras and files"}}

// checkBackends checks that OpenCV reports the needed backends.
func checkBackends(text string) Finding {
	have := strings.Fields(text)
	for _, n := range neededBackends {
		if !containsWord(have, n.name) {
			return fail("opencv", "use Debian's OpenCV (libopencv-videoio), or build it with "+n.name, "%s; without %s camd cannot read %s", text, n.name, n.reads)
		}
	}
	return ok("opencv", "%s", text)
}

func containsWord(words []string, word string) bool {
	for _, w := range words {
		if strings.Trim(w, ",") == word {
			return true
		}
	}
	return false
}
