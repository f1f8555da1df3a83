package e2e

import (
	"context"
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
)

// observedOutput has the observed outputs by their place.
type observedOutput map[string]string

// checkNoSecrets reports outputs with a secret.
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

// A secret of the configuration appears in no output: in no response, log line or error, even if a peer repeats what it was sent.
func TestSecretsOfConfigurationAppearNowhere(t *testing.T) {
	t.Parallel()
	p := newCanaryConfig(t)
	d := start(t, options{config: p.text, env: append(p.env, "GOTRACEBACK=all"), bin: p.dir, user: p.user})
	seen := observedOutput{}
	for _, id := range []string{"good", "from-file", "from-env", "half"} {
		d.waitForState(id, "live")
	}
	for _, id := range []string{"wrong-password", "refused", "refused-path", "echo-rtsp", "echo-opencv", "echo-http", "echo-poll", "html", "gone"} {
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
	anonymous := credential{addTo: func(*http.Request) {}} // without credentials
	seen.requestPaths(t, d, anonymous, allPaths(t, d), []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
		[]string{"in-address", "good", "echo-http", "refused", "nowhere"})
	seen.readWall(t, d)
	seen["dashboard"] = openBrowser(t, 800, 600, chromedp.Flag("ignore-certificate-errors-spki-list", p.spki)).dashboard(d)
	shown := seen.tryCredentials(t, d, p)
	seen.tryInvalidConfigs(t, d, p)
	seen.readStateFiles(t, filepath.Join(p.dir, "state"))
	// The last good configuration is the text of the file. Only camd's user can read it, and it has nothing of other files.
	kept := filepath.Join(p.dir, "state", "last-good.yaml")
	if _, text, _ := strings.Cut(seen[kept], "\n"); text != p.text && text != configMistakes["a short hash"](p.text) { // camd accepts this one
		t.Errorf("%s has another text than the configuration file", kept)
	}
	delete(seen, kept)
	seen.runCommands(t, p)

	// SIGQUIT prints the goroutines with their arguments, and ends camd.
	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-d.exited
	seen["stdout"], seen["stderr"] = d.stdout.String(), d.stderr.String()
	for _, want := range append(accessRecords, `"capture output"`, `"request"`, `"configuration not reloaded"`, "goroutine 1 ") {
		if !strings.Contains(seen["stderr"], want) {
			t.Errorf("%s is not in the log, so the log was not tested for secrets", want)
		}
	}
	seen.checkNoSecrets(t, append(p.secrets(), shown...))
}

// readProcesses reads what other users can see of the processes of camd and its children. The environment of camd has secrets, because
// they are given there, and no other process of its user can read it.
func (e observedOutput) readProcesses(t *testing.T, d *daemon, user *syscall.Credential) {
	t.Helper()
	pid := d.cmd.Process.Pid
	e["camd's command line"] = readProc(t, pid, "cmdline")
	peek := exec.Command("cat", filepath.Join("/proc", itoa(pid), "environ"))
	peek.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	if user != nil { // as another process of the same user; root may read it
		if peek.Run() == nil { // do not log what it read
			t.Error("another process of camd's user can read its environment")
		}
	}
	if limits := readProc(t, pid, "limits"); !strings.Contains(strings.Join(strings.Fields(limits), " "), "Max core file size 0 0 ") {
		t.Errorf("a core may be dumped:\n%s", limits)
	}
	var workers []int
	eventually(t, "the readers process and a capture process to run", func() bool { // a capture process runs only while OpenCV tries its camera
		workers = children(pid)
		return len(workers) >= 2
	})
	for _, worker := range workers {
		for _, file := range []string{"cmdline", "environ"} {
			b, _ := os.ReadFile(filepath.Join("/proc", itoa(worker), file)) // it may have ended
			e[fmt.Sprintf("%s of process %d", file, worker)] = strings.ReplaceAll(string(b), "\x00", " ")
		}
	}
}

// readProc reads a file of a running process in /proc.
func readProc(t *testing.T, pid int, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", itoa(pid), file))
	if err != nil || len(b) == 0 {
		t.Errorf("process %d: %d bytes, %v", pid, len(b), err)
	}
	return strings.ReplaceAll(string(b), "\x00", " ")
}

// allPaths returns all addresses of camd, and some that do not exist.
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

// requestPaths requests every address with every method, for each of the cameras where the address has one.
func (e observedOutput) requestPaths(t *testing.T, d *daemon, client credential, paths, methods, cameras []string) {
	t.Helper()
	for _, path := range paths {
		of := cameras
		if !strings.Contains(path, "{camera}") {
			of = cameras[:1]
		}
		for _, id := range of {
			for _, method := range methods {
				address := strings.NewReplacer("{camera}", id, "{file}", "page.js").Replace(path)
				answer := requestBeginning(t, method, d.URL+address, client.addTo)
				if client.replaced != "" {
					answer = strings.ReplaceAll(answer, client.replaced, "its own")
				}
				e[client.name+method+" "+address] = answer
			}
		}
	}
}

// requestBeginning returns the header of an answer, and its body. Of a stream it returns the beginning.
func requestBeginning(t *testing.T, method, address string, authorize ...func(*http.Request)) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(`{"controls": {"brightness": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, add := range authorize {
		add(r)
	}
	answer, err := streamClient.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, address, err)
		return ""
	}
	defer answer.Body.Close()
	body := io.Reader(answer.Body)
	if contentType := answer.Header.Get("Content-Type"); strings.HasPrefix(contentType, "multipart/") || strings.HasPrefix(contentType, "video/") {
		body = io.LimitReader(body, 1000)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("%s %s: %v", method, address, err)
	}
	return fmt.Sprint(answer.Status, answer.Header, string(text))
}

// readWall subscribes to every camera over one connection, also in a view that does not exist.
func (e observedOutput) readWall(t *testing.T, d *daemon) {
	t.Helper()
	wall := d.dialWall(t, wallOptions{})
	for id := range d.cameras() {
		for _, view := range []string{"", "full", "none"} {
			wall.subscribe(id, view)
		}
	}
	n := 0
	wall.until("a picture", func(event wallEvent) bool { // notices precede pictures
		if event.frame != nil {
			return true
		}
		e[fmt.Sprint("notice ", n)] = string(event.text.raw)
		n++
		return false
	})
}
