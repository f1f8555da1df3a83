package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/pkg/access"
)

// camd keeps the last configuration that was in force. A start with a file that has mistakes fails, and the error says how to start with
// the last good configuration. --last-good serves it until the file is corrected.
func TestLastGoodConfigurationIsServedWhenAskedFor(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "users", "root:"+access.HashPassword("hunter2")+":admin\n")
	with := func(cameras ...string) string {
		text := "\ufeffstate_dir: state\nauth: {users_file: users}\ncameras:\n"
		for _, id := range cameras {
			text += fmt.Sprintf("  - {id: %s, source: 'test://?size=64x64&fps=5'}\n", id)
		}
		return text
	}
	path, kept := filepath.Join(dir, "camd.yaml"), filepath.Join(dir, "state", "last-good.yaml")
	serving := func(args ...string) daemonWithUsers {
		d := start(t, options{args: append([]string{"-c", path}, args...)})
		d.config = path
		return daemonWithUsers{daemon: d, anonymous: accessClient{t, d, func(*http.Request) {}}, admin: accessClient{t, d, func(r *http.Request) { r.SetBasicAuth("root", "hunter2") }}}
	}
	keeps := func(text string) {
		t.Helper()
		eventually(t, "the configuration to be kept", func() bool {
			b, err := os.ReadFile(kept)
			return err == nil && strings.HasSuffix(string(b), strings.TrimPrefix(text, "\ufeff"))
		})
	}
	write(t, dir, "camd.yaml", with("hall"))
	g := serving()
	keeps(with("hall"))
	if info, err := os.Stat(kept); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if r := g.reloadAndRead(with("hall", "yard")); !r.Config.OK || r.Config.LastGood != "" {
		t.Errorf("%+v", r.Config)
	}
	keeps(with("hall", "yard"))
	broken := with("hall") + "  - {id: gate}\n"
	if r := g.reloadAndRead(broken); r.Config.OK {
		t.Errorf("%+v", r.Config)
	}
	g.close()
	keeps(with("hall", "yard"))

	o := camd(t, "serve", "-c", path)
	if want := "camd serve --last-good -c " + path; o.code != 2 || !strings.Contains(o.stderr, path+":5:5: ") || !strings.Contains(o.stderr, " has the last good configuration, of 20") || !strings.Contains(o.stderr, want) {
		t.Errorf("a start with mistakes: %+v", o)
	}
	other := write(t, dir, "other.yaml", broken)
	if o := camd(t, "serve", "-c", other); o.code != 2 || strings.Contains(o.stderr, "last good") {
		t.Errorf("another file with the same state_dir: %+v", o)
	}

	g = serving("--last-good")
	r, _ := g.reloadState()
	if _, err := time.Parse(time.RFC3339, r.Config.LastGood); err != nil || r.Config.OK || r.Status == "" || !strings.Contains(r.Config.Error, "--last-good; correct "+path) {
		t.Errorf("%+v, %v", r, err)
	}
	g.checkUnchanged()
	if !strings.Contains(g.stderr.String(), `"msg":"last good configuration in force"`) {
		t.Error("the log does not say that the last good configuration is in force")
	}
	if r := g.reloadAndRead(broken); r.Config.OK || r.Config.LastGood == "" || !strings.Contains(r.Config.Error, path+":5:5: ") {
		t.Errorf("still with mistakes: %+v", r.Config)
	}
	if r := g.reloadAndRead(with("hall")); !r.Config.OK || r.Config.LastGood != "" || r.Config.Error != "" {
		t.Errorf("a corrected file: %+v", r.Config)
	}
	g.admin.checkStatus("/api/v1/cameras/yard", http.StatusNotFound)
	keeps(with("hall"))
	g.close()

	write(t, dir, "camd.yaml", "") // an empty file has no state_dir
	if o := camd(t, "serve", "-c", path, "--last-good"); o.code != 1 || !strings.Contains(o.stderr, "STATE_DIRECTORY=DIR camd serve --last-good") {
		t.Errorf("without a state directory: %+v", o)
	}
	t.Setenv("STATE_DIRECTORY", filepath.Dir(kept))
	if o := camd(t, "serve", "-c", path); o.code != 2 || !strings.Contains(o.stderr, "the file is empty") || !strings.Contains(o.stderr, "--last-good -c "+path) {
		t.Errorf("an empty file: %+v", o)
	}
	g = serving("--last-good")
	g.anonymous.checkStatus("/api/v1/cameras", http.StatusUnauthorized)
	g.admin.checkStatus("/api/v1/cameras/hall", http.StatusOK)
}

// A restart is refused if the file has lost only its section auth, like a reload, unless the file says who has access.
func TestStartWithoutAuthOfLastGoodIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "users", "root:"+access.HashPassword("hunter2")+":admin\n")
	const open = "state_dir: state\ncameras: [{id: hall, source: 'test://?size=64x64&fps=5'}]\n"
	path := write(t, dir, "camd.yaml", open+"auth: {users_file: users}\n")
	kept := filepath.Join(dir, "state", "last-good.yaml")
	d := start(t, options{args: []string{"-c", path}})
	eventually(t, "the configuration to be kept", func() bool { _, err := os.Stat(kept); return err == nil })
	d.close()

	write(t, dir, "camd.yaml", open)
	o := camd(t, "serve", "-c", path, "--listen", "127.0.0.1:0")
	if o.code != 2 || !strings.Contains(o.stderr, `the section "auth" is missing`) || !strings.Contains(o.stderr, "camd serve --last-good -c "+path) {
		t.Errorf("a start without auth: %+v", o)
	}
	write(t, dir, "camd.yaml", open+"auth: {anonymous: admin}\n")
	d = start(t, options{args: []string{"-c", path}})
	if s := d.camera("hall").State; s == "" {
		t.Error("anonymous: admin does not let anyone in")
	}
	d.close()
}

// The log names a state directory that is not writable, with the cause and the remedy. Cameras that were turned off stay off.
func TestStateDirectoryThatCannotBeWrittenIsNamed(t *testing.T) {
	bin, user := programsForNobody(t)
	dir := filepath.Join(bin, "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := write(t, dir, "cameras.json", `{"cameras": {"hall": {"paused": true}}}`)
	give := func(path string, mode os.FileMode) {
		t.Helper()
		if user != nil {
			if err := os.Chown(path, int(user.Uid), int(user.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	give(file, 0o600)
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	started := func() (state string, log string) {
		t.Helper()
		d := start(t, options{bin: bin, user: user, config: "state_dir: state\ncameras: [{id: hall, source: 'test://?size=64x64'}]\n"})
		state = d.camera("hall").State
		d.close()
		return state, d.stderr.String()
	}
	const remedy = "must be able to read and write "
	give(dir, 0o500)
	state, log := started()
	if state != "paused" {
		t.Errorf("the camera is %s, but was turned off", state)
	}
	for _, want := range []string{`"state directory not writable"`, "write to " + dir + ": permission denied", "cameras that users turn off from now on are on again", remedy + dir, `"last good configuration not saved"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in %s", want, log)
		}
	}
	if strings.Contains(log, "paused cameras not loaded") || strings.Contains(log, "start as configured") {
		t.Errorf("the log says that known switches are not known: %s", log)
	}

	give(dir, 0o700)
	give(file, 0)
	if _, log := started(); !strings.Contains(log, `"paused cameras not loaded"`) || !strings.Contains(log, "cameras.json: permission denied") || !strings.Contains(log, remedy+dir) || strings.Contains(log, "not writable") {
		t.Errorf("a file that cannot be read: %s", log)
	}
}
