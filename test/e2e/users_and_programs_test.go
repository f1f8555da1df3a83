package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
	"camd/pkg/access"
)

// Users log in on the pages, see only their cameras, share one by a link and log out. Programs use a password, a token or a link.
func TestUsersAndProgramsSeeOnlyTheirCameras(t *testing.T) {
	t.Parallel()
	link := write(t, t.TempDir(), "link.key", access.NewLinkKey())
	hash := access.HashPassword("hunter2")
	d := start(t, options{config: `
cameras:
  - {id: shed, title: The shed, source: 'test://?size=320x180&fps=10'}
  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=30'}
hosts: [cams.example.com]
auth:
  link_key_file: ` + link + `
  users:
    anna: {role: control, cameras: [yard], hash: '` + hash + `'}
    otto: {role: view, cameras: [yard], hash: '` + hash + `'}
    root: {role: admin, hash: '` + hash + `'}
`})
	root := http.Header{}
	root.Set("Authorization", "Basic cm9vdDpodW50ZXIy")
	eventually(t, "both are live", func() bool {
		var list struct{ Cameras []struct{ State string } }
		if err := json.Unmarshal([]byte(fetch(t, http.MethodGet, d.URL+"/api/v1/cameras", "", root)), &list); err != nil {
			t.Fatal(err)
		}
		return len(list.Cameras) == 2 && list.Cameras[0].State == "live" && list.Cameras[1].State == "live"
	})
	t.Run("in a browser", func(t *testing.T) { checkUsersInBrowser(t, d, link) })
	t.Run("programs", func(t *testing.T) { checkProgramsWithCredentials(t, d) })
}

// fetch returns the body of the answer to a request.
func fetch(t *testing.T, method, url, body string, header http.Header) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logIn fills in the login form and sends it.
func (b *browser) logIn(user, password string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS("#user"), user), chromedp.SetValue(chromedp.CSS("#password"), password), chromedp.Click(chromedp.CSS("form button")))
}

// checkUsersInBrowser uses a host name, because browsers treat the addresses of this machine as encrypted, and send more to them.
func checkUsersInBrowser(t *testing.T, d *daemon, key string) {
	const name = "cams.example.com"
	b := openBrowser(t, 1280, 900, chromedp.Flag("host-resolver-rules", "MAP "+name+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	home := strings.Replace(d.URL, "127.0.0.1", name, 1)
	b.do(chromedp.Navigate(home + "/cameras/yard"))
	b.waitForText("Log in – camd", `document.title`)
	b.checkAccessibility("the page to log in")
	b.saveScreenshots("login")
	b.logIn("anna", "wrong")
	b.waitForText("The user name or the password is wrong.", `document.querySelector('.problem')?.textContent ?? ''`)
	b.checkAccessibility("the page to log in, again")
	b.saveScreenshots("login-wrong")
	b.logIn("anna", "hunter2")
	b.waitForText("The yard – camd", `document.title`)
	b.waitForText("Live", pageState)
	b.waitForText("anna", `document.querySelector('#current-user span')?.textContent ?? ''`)
	b.waitForText("true", `document.querySelector('[aria-labelledby=viewers-title]').hidden + ''`)
	b.waitForText("true", `/need your user name and password.*credentials_file/s.test(document.querySelector('[aria-labelledby=snippets-title]').innerText + document.getElementById('snippets').textContent) + ''`)
	b.saveScreenshots("camera")

	b.do(chromedp.Click(chromedp.CSS("[data-action=share]")), chromedp.Click(chromedp.CSS("#share form button")))
	b.waitForText("true", `document.querySelector('#share input').value.startsWith(location.origin + '/cameras/yard?link=') + ''`)
	b.checkAccessibility("the dialog to share")
	b.saveScreenshots("share")
	link := b.evaluate(`document.querySelector('#share input').value`)
	b.do(chromedp.Click(chromedp.CSS("#share .done")))
	b.waitForText("", `document.querySelector('#share input').value`)

	b.do(chromedp.Navigate(home + "/"))
	waitForMotion(t, b, "The yard")
	b.waitForText("1", `document.querySelectorAll('.tile').length + ''`)
	b.saveScreenshots("dashboard")
	b.do(chromedp.Click(chromedp.CSS("#current-user button")))
	b.waitForText("Log in – camd", `document.title`)
	b.do(chromedp.Navigate(home + "/"))
	b.waitForText("Log in – camd", `document.title`)

	b.do(chromedp.Navigate(link))
	b.waitForText("The yard – camd", `document.title`)
	b.waitForText("320", `document.getElementById('picture').naturalWidth + ''`)
	b.checkAccessibility("the page that a link leads to")
	b.saveScreenshots("link")

	if err := os.WriteFile(key, []byte(access.NewLinkKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.waitForText("This link has expired or was revoked. Ask for a new link.", `document.querySelector('.problem').textContent`)
	b.saveScreenshots("link-gone")
	b.do(chromedp.Navigate(link))
	b.waitForText("This link has expired or was revoked. Ask for a new link.", `document.querySelector('.problem')?.textContent ?? ''`)
	b.saveScreenshots("link-again")

	b.do(chromedp.Navigate(home + "/login"))
	b.logIn("otto", "hunter2")
	b.waitForText("otto", `document.querySelector('#current-user span')?.textContent ?? ''`)
	b.do(chromedp.Navigate(home + "/cameras/yard"))
	b.waitForText("Live", pageState)
	b.waitForText("true,true", `['share', 'pause'].map(what => document.querySelector('[data-action=' + what + ']').hidden).join()`)
	b.do(chromedp.Navigate(home + "/cameras/shed"))
	b.waitForText("There is no camera \"shed\", or you have no access to it.", `document.querySelector('main p')?.textContent ?? ''`)
	b.checkAccessibility("the page for an unknown camera")
	b.do(chromedp.Click(chromedp.CSS("main .button")))
	b.waitForText("1", `document.querySelectorAll('.tile').length + ''`)
}

// checkProgramsWithCredentials checks that real clients with valid credentials have access, and others have none.
func checkProgramsWithCredentials(t *testing.T, d *daemon) {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	root := http.Header{"Authorization": {"Basic cm9vdDpodW50ZXIy"}, "Content-Type": {"application/json"}}
	_, link, _ := strings.Cut(fetch(t, http.MethodPost, d.URL+"/api/v1/cameras/yard/links", `{"for": "1h"}`, root), "/cameras/yard?")
	link, _, _ = strings.Cut(link, `"`)
	host := strings.TrimPrefix(d.URL, "http://")
	for _, address := range []string{
		"http://anna:hunter2@" + host + "/cameras/yard/stream.mjpg",
		d.URL + "/cameras/yard/stream.mjpg?" + link,
	} {
		out, err := exec.CommandContext(ctx, testpeer.RequireProgram(t, "ffmpeg", "ffmpeg"), "-v", "error", "-f", "mpjpeg", "-i", address, "-frames:v", "3", "-f", "framemd5", "-").CombinedOutput()
		if err != nil || strings.Count(string(out), ", ") < 3 {
			t.Errorf("ffmpeg: %v: %s", err, out)
		}
		checkVLC(t, address)
	}
	for _, c := range []struct{ code, address string }{
		{"200", d.URL + "/cameras/yard/snapshot.jpg?" + link},
		{"200", "http://anna:hunter2@" + host + "/?action=snapshot"},
		{"404", d.URL + "/cameras/shed/snapshot.jpg?" + link},
		{"401", d.URL + "/cameras/yard/snapshot.jpg"},
		{"401", "http://anna:wrong@" + host + "/?action=snapshot"},
	} {
		out, err := exec.CommandContext(ctx, testpeer.RequireProgram(t, "curl", "curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", c.address).Output()
		if err != nil || string(out) != c.code {
			t.Errorf("curl: %s, %v, want %s", out, err, c.code)
		}
	}
	if log := d.stderr.String(); strings.Contains(log, "hunter2") || strings.Contains(log, strings.TrimPrefix(link, "link=")) {
		t.Errorf("the log has a password or a link: %s", log)
	}
}

// saveScreenshots saves screenshots of the page in both colour schemes, for a phone and a large screen, in the folder CAMD_SCREENSHOTS.
func (b *browser) saveScreenshots(name string) {
	b.t.Helper()
	dir := os.Getenv("CAMD_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, width := range []int64{360, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			}); err != nil {
				b.t.Fatal(err)
			}
			b.do(chromedp.EmulateViewport(width, 800))
			b.saveScreenshot(fmt.Sprintf("%s/%s-%d-%s.png", dir, name, width, scheme))
		}
	}
}
