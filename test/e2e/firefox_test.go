package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// firefox is a Firefox with one page.
type firefox struct {
	t      testing.TB
	ctx    context.Context
	driver *webDriver
	tab    string // its browsing context

	mu            sync.Mutex
	consoleErrors []string
}

// firefoxPreferences keep Firefox on this machine. plainName is a name of this machine that is no secure context.
const firefoxPreferences = `
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("media.gmp-manager.url", "");
user_pref("media.gmp-provider.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.localDomains", "` + plainName + `");
user_pref("network.proxy.type", 0);
user_pref("services.settings.server", "");
user_pref("toolkit.telemetry.server", "");
`

var driverAddress = regexp.MustCompile(`WebDriver BiDi listening on (ws://127\.0\.0\.1:\d+)`)

// openFirefox starts a Firefox for this test. Its page is as large as Firefox's window is without a screen.
func openFirefox(t testing.TB, width, height int) *firefox {
	t.Helper()
	program := testpeer.RequireProgram(t, "firefox-esr", "firefox-esr")
	home := t.TempDir()
	write(t, home, "user.js", firefoxPreferences)
	ctx, cancel := context.WithTimeout(context.Background(), 3*testTimeout)
	t.Cleanup(cancel)
	cmd := exec.Command(program, "--headless", "--remote-debugging-port=0", "--profile", home, "--no-remote", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+home, "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_DISABLE_AUTO_SAFE_MODE=1")
	p, err := testrun.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	f := &firefox{t: t, ctx: ctx}
	t.Cleanup(func() { f.end(p) })
	var address string
	eventually(t, "Firefox's address", func() bool {
		if p.HasExited() {
			t.Fatalf("Firefox ended: %s", p.Output.String())
		}
		if m := driverAddress.FindStringSubmatch(p.Output.String()); m != nil {
			address = m[1]
		}
		return address != ""
	})
	if f.driver, err = dialDriver(ctx, address+"/session", f.recordEvent); err != nil {
		t.Fatal(err)
	}
	f.openTab(width, height)
	return f
}

// openTab begins a session and prepares its page.
func (f *firefox) openTab(width, height int) {
	f.t.Helper()
	f.command("session.new", object{"capabilities": object{"alwaysMatch": object{"acceptInsecureCerts": true}}}, nil)
	f.command("session.subscribe", object{"events": []string{"log.entryAdded"}}, nil)
	var tree struct {
		Contexts []struct{ Context string }
	}
	f.command("browsingContext.getTree", object{}, &tree)
	f.tab = tree.Contexts[0].Context
	f.command("browsingContext.setViewport", object{"context": f.tab, "viewport": object{"width": width, "height": height}}, nil)
}

// object is an object of JSON.
type object = map[string]any

// end closes Firefox, with its child processes.
func (f *firefox) end(p *testrun.Process) {
	if f.driver != nil {
		_ = f.driver.command(f.ctx, "browser.close", object{}, nil) // if it fails, the next line ends Firefox
		f.driver.close()
	}
	if f.driver == nil || f.t.Failed() {
		p.Kill()
	}
	<-p.Exited
	if f.t.Failed() {
		f.t.Logf("Firefox: %s", tail(p.Output.String(), 4000))
	}
}

func (f *firefox) command(method string, params object, result any) {
	f.t.Helper()
	if err := f.driver.command(f.ctx, method, params, result); err != nil {
		f.t.Fatalf("firefox: %v", err)
	}
}

// recordEvent records errors and warnings in the page's console, and exceptions.
func (f *firefox) recordEvent(method string, params json.RawMessage) {
	var entry struct {
		Level, Text, Type string
		StackTrace        struct {
			CallFrames []struct {
				URL        string
				LineNumber int
			}
		}
	}
	if method != "log.entryAdded" || json.Unmarshal(params, &entry) != nil || entry.Level != "error" && entry.Level != "warn" {
		return
	}
	text := entry.Type + " " + entry.Level + ": " + entry.Text
	for _, frame := range entry.StackTrace.CallFrames {
		text += fmt.Sprintf("\n\t%s:%d", frame.URL, frame.LineNumber)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.consoleErrors = append(f.consoleErrors, text)
}

// checkConsole checks that the page's console has no errors or warnings.
func (f *firefox) checkConsole() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.consoleErrors {
		f.t.Errorf("console: %s", c)
	}
}

// open opens a page and returns when it is loaded.
func (f *firefox) open(url string) {
	f.t.Helper()
	f.command("browsingContext.navigate", object{"context": f.tab, "url": url, "wait": "complete"}, nil)
}

// evaluate evaluates a script that returns a text, or a promise of one.
func (f *firefox) evaluate(script string) string {
	f.t.Helper()
	var answer struct {
		Type   string
		Result struct {
			Type  string
			Value json.RawMessage
		}
		ExceptionDetails struct{ Text string }
	}
	f.command("script.evaluate", object{"expression": script, "awaitPromise": true, "target": object{"context": f.tab}}, &answer)
	var text string
	if answer.Type != "success" || answer.Result.Type != "string" || json.Unmarshal(answer.Result.Value, &text) != nil {
		f.t.Fatalf("firefox: %s %s %.100s in %.200s", answer.ExceptionDetails.Text, answer.Result.Type, answer.Result.Value, script)
	}
	return text
}

func (f *firefox) evaluatePromise(script string) string { return f.evaluate(script) }

// waitForText waits until a script returns a text.
func (f *firefox) waitForText(want, script string) {
	f.t.Helper()
	waitForText(f.t, f, want, script)
}

// saveScreenshot writes a picture of the page to a file.
func (f *firefox) saveScreenshot(path string) {
	f.t.Helper()
	var shot struct{ Data string }
	f.command("browsingContext.captureScreenshot", object{"context": f.tab}, &shot)
	b, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// press presses keys in the page, one after another.
func (f *firefox) press(keys string) {
	f.t.Helper()
	var actions []object
	for _, key := range strings.Split(keys, "") {
		actions = append(actions, object{"type": "keyDown", "value": key}, object{"type": "keyUp", "value": key})
	}
	f.command("input.performActions", object{"context": f.tab, "actions": []object{{"type": "key", "id": "keyboard", "actions": actions}}}, nil)
}

// Firefox and its driver work: scripts, promises, keys, errors in the console, screenshots.
func TestFirefoxIsControlled(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: noCameras})
	f := openFirefox(t, 800, 600)
	f.open(d.URL + "/")
	f.waitForText("No camera is configured.", `document.querySelector('#grid .notice')?.textContent ?? ''`)
	if got := f.evaluatePromise(`fetch('/healthz').then(answer => answer.text())`); got != "ok\n" {
		t.Errorf("/healthz is %q", got)
	}
	f.press("?")
	f.waitForText("true", `document.getElementById('help').open + ''`)
	f.waitForText("800x600", `innerWidth + 'x' + innerHeight`)
	path := filepath.Join(t.TempDir(), "page.png")
	f.saveScreenshot(path)
	if b := readFile(t, path); len(b) < 1000 {
		t.Errorf("a screenshot of %d bytes", len(b))
	}
	f.checkConsole()
	f.evaluate(`console.error('broken'); setTimeout(() => { throw new Error('thrown'); }); ''`)
	eventually(t, "two errors", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.consoleErrors) == 2 })
}
