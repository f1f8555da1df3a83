package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"camd/internal/testrun"
)

// logLine is a line of the log.
type logLine struct {
	Priority, Level, Logger, Msg, Camera, Line, Message string
	TS                                                  string
	Suppressed                                          int
}

// runLogged runs camd with its log in a pipe, and returns the lines when camd has ended. journal returns the value of JOURNAL_STREAM for
// the pipe.
func runLogged(t *testing.T, config string, journal func(*os.File) string, work func(d *daemon)) []string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var text []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			text = append(text, lines.Text())
		}
	}()
	d := start(t, options{config: config, stderr: w, env: []string{"JOURNAL_STREAM=" + journal(w)}})
	w.Close()
	work(d)
	d.stop()
	<-read
	return text
}

// journalStreamOf returns JOURNAL_STREAM for a file, as journald sets it.
func journalStreamOf(f *os.File) string {
	var s syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &s); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}

func parseLogLine(t *testing.T, line string) (l logLine) {
	t.Helper()
	m := regexp.MustCompile(`^(?:<(\d)>)?(\{.*\})$`).FindStringSubmatch(line)
	if m == nil || json.Unmarshal([]byte(m[2]), &l) != nil || l.Level == "" || l.TS == "" {
		t.Fatalf("not a line of the log: %q", line)
	}
	l.Priority = m[1]
	return l
}

// In the journal each line has its priority, also the lines of OpenCV and FFmpeg. Elsewhere lines are plain JSON.
func TestJournalLinesHavePriorities(t *testing.T) {
	t.Parallel()
	whole := readFile(t, h264Clip.Make(t))
	half := write(t, t.TempDir(), "half.mp4", string(whole[:len(whole)/2])) // FFmpeg prints many lines about it
	config := "log: {level: debug}\ncameras:\n  - {id: half, source: " + half + "}\n"
	work := func(d *daemon) { d.waitForState("half", "offline") }
	want := map[string]string{"debug": "7", "info": "6", "warn": "4", "error": "3"}
	seen := map[string]bool{}
	for _, line := range runLogged(t, config, journalStreamOf, work) {
		l := parseLogLine(t, line)
		if l.Priority != want[l.Level] && (l.Priority != "5" || l.Logger != "audit") {
			t.Errorf("priority %q: %s", l.Priority, line)
		}
		seen[l.Msg], seen[l.Logger+" at "+l.Priority] = true, true
		if l.Msg == "camera state" || l.Msg == "capture output" {
			seen[l.Msg+" of "+l.Camera+" at "+l.Level] = true
		}
	}
	for _, what := range []string{"serving", "audit at 5", "camera state of half at warn", "capture output of half at debug", "stopped"} {
		if !seen[what] {
			t.Errorf("no %q in %v", what, seen)
		}
	}
	for _, stream := range []string{"1:2", "", "nonsense"} {
		for _, line := range runLogged(t, healthyCamera, func(*os.File) string { return stream }, func(*daemon) {}) {
			if l := parseLogLine(t, line); l.Priority != "" {
				t.Errorf("JOURNAL_STREAM=%s: %s", stream, line)
			}
		}
	}
	for _, line := range runLogged(t, healthyCamera+"log: {format: json}\n", journalStreamOf, func(*daemon) {}) {
		if l := parseLogLine(t, line); l.Priority != "" {
			t.Errorf("format json: %s", line)
		}
	}
}

// On a terminal the log has columns, in colours unless NO_COLOR is set.
func TestTerminalLogHasColumnsAndColours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env     string
		colours bool
	}{{"TERM=xterm", true}, {"NO_COLOR=1", false}, {"TERM=dumb", false}} {
		cmd := exec.Command(testrun.Program(t, "camd"), "serve", "--listen", "127.0.0.1:0", "-c", write(t, t.TempDir(), "camd.yaml", healthyCamera))
		cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=", c.env)
		terminal, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer terminal.Close()
		var text strings.Builder
		for lines := bufio.NewScanner(terminal); lines.Scan(); { // the end of the terminal is reported as an error
			text.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "serving") {
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", c.env, err)
		}
		level := "INFO"
		if c.colours {
			level = "\x1b[34mINFO\x1b[0m"
		}
		if want := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3}\t` + regexp.QuoteMeta(level) + `\tserving\t\{`); !want.MatchString(text.String()) {
			t.Errorf("%s: got %q", c.env, text.String())
		}
		if strings.Contains(text.String(), "\x1b") != c.colours {
			t.Errorf("%s: colours in %q", c.env, text.String())
		}
	}
}

// A viewer that reconnects repeatedly does not fill the log.
func TestReconnectingViewersDoNotFillLog(t *testing.T) {
	t.Parallel()
	const visits = 50
	logged, suppressed := 0, 0
	lines := runLogged(t, healthyCamera, journalStreamOf, func(d *daemon) {
		d.waitForState("healthy", "live")
		for range visits {
			v := watch(t, d.URL+"/cameras/healthy/stream.mjpg")
			if _, err := v.read(); err != nil {
				t.Error(err)
			}
			v.close()
		}
	})
	for _, line := range lines {
		switch l := parseLogLine(t, line); {
		case l.Msg == "view.begin":
			logged++
			suppressed += l.Suppressed
		case l.Msg == "lines suppressed" && l.Message == "view.begin":
			suppressed += l.Suppressed
		}
	}
	if logged+suppressed != visits || logged >= visits {
		t.Errorf("%d visits: %d lines, %d suppressed", visits, logged, suppressed)
	}
}

// A real journald, in a mount namespace with its own /run, stores the priorities and removes them from the messages.
const journaldScript = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
/lib/systemd/systemd-journald >&2 &
trap "kill $!" EXIT
until [ -S /run/systemd/journal/stdout ]; do sleep 0.05; done
systemd-cat -t camd bash -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@"' "$@" &
until journalctl -q --sync && journalctl -q -t camd -o cat | grep -q '"state":"offline"'; do sleep 0.05; done
kill $!
wait $! || true
journalctl -q --sync
journalctl -q -t camd -o json --no-pager`

func TestJournaldStoresPriorities(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || exec.Command("unshare", "-mpf", "--mount-proc", "mount", "-t", "tmpfs", "tmpfs", "/run").Run() != nil {
		t.Skip("journald needs root and a mount namespace")
	}
	config := write(t, t.TempDir(), "camd.yaml", "cameras:\n  - {id: gone, source: /nowhere.mp4}\n")
	o := run(t, "unshare", "-mpf", "--mount-proc", "--kill-child", "bash", "-c", journaldScript, "journald", testrun.Program(t, "camd"), "serve", "--listen", "127.0.0.1:0", "-c", config)
	priorities := map[string]string{}
	for line := range strings.Lines(o.stdout) {
		var entry struct{ Priority, Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var l struct{ Msg, State string }
		if json.Unmarshal([]byte(entry.Message), &l) == nil { // camd's first line is not JSON
			priorities[strings.TrimSpace(l.Msg+" "+l.State)] = entry.Priority
		}
	}
	if o.code != 0 || priorities["serving"] != "6" || priorities["camera state offline"] != "4" || priorities["stopped"] != "6" {
		t.Errorf("exit code %d, priorities %v, %s%s", o.code, priorities, tail(o.stdout, 3000), o.stderr)
	}
}
