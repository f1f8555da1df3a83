package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
)

// observedOutput is what was seen, by where.
type observedOutput map[string]string

// checkNoSecrets reports what holds a secret.
func (e observedOutput) checkNoSecrets(t *testing.T, secrets []string) {
	t.Helper()
	for where, text := range e {
		for _, secret := range secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s: %q is in …%s…", where, secret, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// A secret of the configuration appears in no output: in no response, log line or error, also if a peer repeats what it was sent.
func TestSecretsOfConfigurationAppearNowhere(t *testing.T) {
	t.Parallel()
	p := newCanaryConfig(t)
	d := start(t, options{config: p.text, env: append(p.env, "GOTRACEBACK=all"), bin: p.dir, user: p.user})
	seen := observedOutput{}
	for _, id := range []string{"good", "from-file", "from-env", "half"} {
		d.waitForState(id, "live")
	}
	for _, id := range []string{"wrong-password", "refused", "refused-path", "echo-rtsp", "echo-http", "echo-poll", "html", "gone"} {
		d.waitForState(id, "offline")
	}
	d.waitForCamera("in-address", "tried", func(s state) bool { return s.State == "live" || s.State == "offline" })
	eventually(t, "the receivers to be tried", func() bool {
		log := d.stderr.String()
		return strings.Contains(log, `"notice delivery failed"`) && strings.Contains(log, `"notice not delivered"`) && strings.Contains(log, `"mqtt connected"`)
	})
	for topic, payload := range p.broker.Retained() {
		seen["topic "+topic] = string(payload)
	}
	seen.readProcesses(t, d, p.user)
	anonymous := credential{addTo: func(*http.Request) {}} // who need to show nothing
	seen.requestPaths(t, d, anonymous, allPaths(t, d), []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
		[]string{"in-address", "good", "echo-http", "refused", "nowhere"})
	seen.readWall(t, d)
	seen["dashboard"] = openBrowser(t, 800, 600, chromedp.Flag("ignore-certificate-errors-spki-list", p.spki)).dashboard(d)
	shown := seen.tryCredentials(t, d, p)
	seen.tryInvalidConfigs(t, d, p)
	seen.readStateFiles(t, filepath.Join(p.dir, "state"))
	// The last good configuration is the file's own text, for camd's user alone, and has nothing of other files.
	kept := filepath.Join(p.dir, "state", "last-good.yaml")
	if _, text, _ := strings.Cut(seen[kept], "\n"); text != p.text && text != configMistakes["a short hash"](p.text) { // which camd accepts
		t.Errorf("%s has another text than the configuration file", kept)
	}
	delete(seen, kept)
	seen.runCommands(t, p)

	// The goroutines and what they were called with; it ends camd.
	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-d.exited
	seen["stdout"], seen["stderr"] = d.stdout.String(), d.stderr.String()
	for _, want := range append(accessRecords, `"capture output"`, `"request"`, `"configuration not reloaded"`, "goroutine 1 ") {
		if !strings.Contains(seen["stderr"], want) {
			t.Errorf("%s is not in the log, and would show something", want)
		}
	}
	seen.checkNoSecrets(t, append(p.secrets(), shown...))
}

// readProcesses looks at what everybody can see of camd's and its children's processes. camd's own environment has secrets, since
// they are given there, and is nobody's to read.
func (e observedOutput) readProcesses(t *testing.T, d *daemon, user *syscall.Credential) {
	t.Helper()
	pid := d.cmd.Process.Pid
	e["camd's command line"] = readProc(t, pid, "cmdline")
	peek := exec.Command("cat", filepath.Join("/proc", itoa(pid), "environ"))
	peek.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	if user != nil { // as another process of the same user; root may look
		if peek.Run() == nil { // what it read is not for a log either
			t.Error("another process of camd's user can read its environment")
		}
	}
	if limits := readProc(t, pid, "limits"); !strings.Contains(strings.Join(strings.Fields(limits), " "), "Max core file size 0 0 ") {
		t.Errorf("a core may be dumped:\n%s", limits)
	}
	workers := children(pid)
	if len(workers) < 4 {
		t.Errorf("%d capture processes", len(workers))
	}
	for _, worker := range workers {
		for _, file := range []string{"cmdline", "environ"} {
			b, _ := os.ReadFile(filepath.Join("/proc", itoa(worker), file)) // it may have ended
			e[fmt.Sprintf("%s of process %d", file, worker)] = strings.ReplaceAll(string(b), "\x00", " ")
		}
	}
}

// readProc reads a file of a process that runs.
func readProc(t *testing.T, pid int, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", itoa(pid), file))
	if err != nil || len(b) == 0 {
		t.Errorf("process %d: %d bytes, %v", pid, len(b), err)
	}
	return strings.ReplaceAll(string(b), "\x00", " ")
}

// allPaths returns all addresses that there are, and some that are not.
func allPaths(t *testing.T, d *daemon) []string {
	t.Helper()
	var described struct{ Paths map[string]any }
	d.getJSON("/api/v1/openapi.json", &described)
	paths := []string{"/", "/?action=snapshot_3", "/?action=stream", "/?action=nonsense", "/nowhere", "/stream", "/snapshot", "/state", "/cameras/{camera}/"}
	for path := range described.Paths {
		paths = append(paths, path)
	}
	if len(paths) < 15 {
		t.Fatalf("only %q are described", paths)
	}
	return paths
}

// requestPaths asks for every address by methods, of the cameras where it is for one.
func (e observedOutput) requestPaths(t *testing.T, d *daemon, who credential, paths, methods, cameras []string) {
	t.Helper()
	for _, path := range paths {
		of := cameras
		if !strings.Contains(path, "{camera}") {
			of = cameras[:1]
		}
		for _, id := range of {
			for _, method := range methods {
				address := strings.NewReplacer("{camera}", id, "{file}", "page.js").Replace(path)
				answer := requestBeginning(t, method, d.URL+address, who.addTo)
				if who.replaced != "" {
					answer = strings.ReplaceAll(answer, who.replaced, "its own")
				}
				e[who.name+method+" "+address] = answer
			}
		}
	}
}

// requestBeginning is an answer's head and the beginning of its body, which may have no end.
func requestBeginning(t *testing.T, method, address string, show ...func(*http.Request)) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(`{"controls": {"brightness": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, how := range show {
		how(r)
	}
	answer, err := streamClient.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, address, err)
		return ""
	}
	defer answer.Body.Close()
	body := io.Reader(answer.Body)
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "multipart/") {
		body = io.LimitReader(body, 1000)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("%s %s: %v", method, address, err)
	}
	return fmt.Sprint(answer.Status, answer.Header, string(text))
}

// readWall asks for every camera over one connection, and for what is not there.
func (e observedOutput) readWall(t *testing.T, d *daemon) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(d.URL, "http", "ws", 1)+"/api/v1/wall", &websocket.DialOptions{HTTPClient: streamClient})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for id := range d.cameras() {
		for _, rendition := range []string{"", "main", "none"} {
			ask, _ := json.Marshal(map[string]string{"type": "subscribe", "camera": id, "rendition": rendition})
			if err := conn.Write(ctx, websocket.MessageText, ask); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := 0; ; n++ {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if kind == websocket.MessageBinary { // notices go before pictures
			return
		}
		e[fmt.Sprint("notice ", n)] = string(message)
	}
}
