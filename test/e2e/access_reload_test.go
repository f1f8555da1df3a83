package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/access"
)

// A user that a reload removes is refused, and the user's stream ends, before the reload waits for a capture process that hangs.
func TestRemovedUserIsRefusedBeforeCamerasAreReopened(t *testing.T) {
	hash := access.HashPassword("hunter2")
	config := func(round int, guest string) string {
		return fmt.Sprintf("auth:\n  users:\n    root: {role: admin, hash: '%s'}\n", hash) + guest +
			fmt.Sprintf("cameras:\n  - {id: hall, source: 'test://?size=64x64&fps=10'}\n  - {id: hung, source: 'test://?size=64x64&fps=%d'}\n", 5+round)
	}
	guest := fmt.Sprintf("    guest: {role: view, hash: '%s'}\n", hash)
	d := start(t, options{config: config(0, guest)})
	as := func(name string) accessClient {
		return accessClient{t, d, func(r *http.Request) { r.SetBasicAuth(name, "hunter2") }}
	}
	reload := func(text string) {
		t.Helper()
		if err := os.WriteFile(d.config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	reloads := func() int { return strings.Count(d.stderr.String(), `"msg":"configuration reloaded"`) }
	// A round may miss the moment between the refusal and the end of the reload on a very busy machine.
	const rounds = 5
	for round := range rounds {
		eventually(t, "the guest to have access", func() bool { return as("guest").status("/api/v1/cameras") == http.StatusOK })
		pid := waitForWorkerPID(t, as("root"), "hung")
		stream, err := as("guest").get("/cameras/hall/stream.mjpg")
		if err != nil || stream.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", stream, err)
		}
		release := testpeer.HoldUnreaped(t, pid)
		begin, before := time.Now(), reloads()
		reload(config(round+1, ""))
		eventually(t, "the guest to be refused", func() bool { return as("guest").status("/api/v1/cameras") == http.StatusUnauthorized })
		refused := time.Since(begin)
		_, _ = io.Copy(io.Discard, stream.Body)
		_ = stream.Body.Close()
		ended, waiting := time.Since(begin), reloads() == before
		eventually(t, "the reload", func() bool { return reloads() > before })
		t.Logf("refused after %v, stream ended after %v, reloaded after %v", refused, ended, time.Since(begin))
		release()
		if waiting {
			return
		}
		reload(config(round+1, guest))
	}
	t.Errorf("in %d rounds the guest was never refused before the reload had waited for the process", rounds)
}

// waitForWorkerPID waits for a camera's capture process and returns its ID.
func waitForWorkerPID(t *testing.T, admin accessClient, camera string) (pid int) {
	t.Helper()
	eventually(t, "the capture process of "+camera, func() bool {
		var s state
		admin.getJSON("/api/v1/cameras/"+camera, &s)
		pid = s.Worker.PID
		return s.State == "live" && pid != 0
	})
	return pid
}

// daemonWithUsers is a camd on loopback with users, as behind a proxy.
type daemonWithUsers struct {
	*daemon
	admin, anonymous accessClient
	initialConfig    string
}

func startWithUsers(t *testing.T, more string, args ...string) daemonWithUsers {
	t.Helper()
	config := fmt.Sprintf("cameras:\n  - {id: hall, source: 'test://?size=64x64&fps=5'}\n  - {id: yard, source: 'test://?size=64x64&fps=5'}\n"+
		"%sauth:\n  users: {root: {role: admin, hash: '%s'}}\n", more, access.HashPassword("hunter2"))
	d := start(t, options{config: config, args: args})
	g := daemonWithUsers{daemon: d, initialConfig: config, anonymous: accessClient{t, d, func(*http.Request) {}},
		admin: accessClient{t, d, func(r *http.Request) { r.SetBasicAuth("root", "hunter2") }}}
	waitForWorkerPID(t, g.admin, "hall")
	waitForWorkerPID(t, g.admin, "yard")
	return g
}

func (d daemonWithUsers) writeConfig(config string) {
	d.t.Helper()
	if err := os.WriteFile(d.daemon.config, []byte(config), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// reloadState returns the answer of /readyz, and how many reloads there were.
func (d daemonWithUsers) reloadState() (r readiness, times int) {
	d.t.Helper()
	d.admin.getJSON("/readyz", &r)
	log := d.stderr.String()
	return r, strings.Count(log, `"msg":"configuration not reloaded"`) + strings.Count(log, `"msg":"configuration reloaded"`)
}

// reloadAndRead writes a configuration, reloads it by SIGHUP and returns the answer of /readyz.
func (d daemonWithUsers) reloadAndRead(config string) (r readiness) {
	d.t.Helper()
	d.writeConfig(config)
	_, before := d.reloadState()
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "the reload", func() bool { _, now := d.reloadState(); return now > before })
	r, _ = d.reloadState()
	return r
}

// checkUnchanged checks that users and cameras are as at the start.
func (d daemonWithUsers) checkUnchanged() {
	d.t.Helper()
	d.anonymous.checkStatus("/api/v1/cameras", http.StatusUnauthorized)
	for _, id := range []string{"hall", "yard"} {
		d.admin.checkStatus("/api/v1/cameras/"+id, http.StatusOK)
	}
}

// An empty or truncated file, or one without auth, changes nothing on SIGHUP, and the error says what to write.
func TestReloadOfTruncatedFileIsRefused(t *testing.T) {
	g := startWithUsers(t, "")
	upTo := func(text string) string {
		before, _, found := strings.Cut(g.initialConfig, text)
		if !found {
			t.Fatalf("%q is not in the configuration", text)
		}
		return before
	}
	for _, c := range []struct{ name, config, want string }{
		{"empty", "", "camd.yaml:1:1: the file is empty; add a camera, such as "},
		{"comments", "# cameras\n", "camd.yaml:1:1: the file is empty; "},
		{"marker", "---\n", "camd.yaml:1:1: the file is empty; "},
		{"null", "null\n", "camd.yaml:1:1: the file is empty; "},
		{"neither cameras nor bus", "log: {level: info}\n", "camd.yaml:1:1: the file has neither cameras nor bus; "},
		{"no camera", "cameras: []\n", "camd.yaml:1:1: cameras: the list is empty, and there is no bus; "},
		{"cut before the cameras", upTo("  - {id: hall"), "cameras: the list is empty"},
		{"cut before auth", upTo("auth:"), `the section "auth" is missing, but the configuration in force has it; put it back, or say who has access: "auth: {anonymous: admin}"`},
		{"cut within auth", upTo("  users:"), "camd.yaml:4:6: auth: is empty; "},
	} {
		r := g.reloadAndRead(c.config)
		if r.Config.OK || !strings.Contains(r.Config.Error, c.want) {
			t.Errorf("%s: %+v, want %q", c.name, r.Config, c.want)
		}
		g.checkUnchanged()
	}
	if r := g.reloadAndRead(g.initialConfig); !r.Config.OK {
		t.Errorf("the whole file: %+v", r.Config)
	}
}

// Anonymous access is widened by a reload where the file says so, and the log warns of it.
func TestReloadWidensAnonymousAccessOnlyExplicitly(t *testing.T) {
	g := startWithUsers(t, "")
	warned := func() int { return strings.Count(g.stderr.String(), `"before":"`) }
	without, _, _ := strings.Cut(g.initialConfig, "auth:")
	if r := g.reloadAndRead(g.initialConfig + "  anonymous: {role: view, cameras: [yard]}\n"); !r.Config.OK {
		t.Errorf("one camera: %+v", r.Config)
	}
	g.anonymous.checkStatus("/api/v1/cameras/yard", http.StatusOK)
	g.anonymous.checkStatus("/api/v1/cameras/hall", http.StatusNotFound)
	before := warned()
	if r := g.reloadAndRead(g.initialConfig); !r.Config.OK || warned() != before {
		t.Errorf("narrower: %+v, %d warnings, were %d", r.Config, warned(), before)
	}
	g.checkUnchanged()
	if r := g.reloadAndRead(without + "auth: {anonymous: admin}\n"); !r.Config.OK {
		t.Errorf("anonymous admin: %+v", r.Config)
	}
	g.anonymous.checkStatus("/api/v1/viewers", http.StatusOK)
	for _, want := range []string{`"before":"none","now":"view of yard"`, `"before":"none","now":"admin"`} {
		if !strings.Contains(g.stderr.String(), want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}

// --anonymous is no reason to accept a file that has lost its section auth.
func TestReloadWithoutAuthIsRefusedBesideAnonymousFlag(t *testing.T) {
	g := startWithUsers(t, "", "--anonymous", "view")
	without, _, _ := strings.Cut(g.initialConfig, "auth:")
	if r := g.reloadAndRead(without); r.Config.OK || !strings.Contains(r.Config.Error, `the section "auth" is missing`) {
		t.Errorf("%+v", r.Config)
	}
	g.admin.checkStatus("/api/v1/viewers", http.StatusOK)
	g.anonymous.checkStatus("/api/v1/cameras/hall", http.StatusOK)
	g.anonymous.checkStatus("/api/v1/viewers", http.StatusForbidden)
}

// With watch_config a file that is truncated and then written slowly is read once, when the writer has closed it.
func TestWatchedFileOfSlowWriterIsReadWhenClosed(t *testing.T) {
	g := startWithUsers(t, "watch_config: true\n")
	next := strings.Replace(g.initialConfig, "id: yard", "id: shed", 1)
	f, err := os.OpenFile(g.daemon.config, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// camd could read several of these parts. Each remains for longer than camd takes to read a complete file.
	other := start(t, options{config: "watch_config: true\n" + numberedCameras(1, nil)})
	cameras := 1
	for part := range strings.SplitAfterSeq(next, "\n") {
		cameras = 3 - cameras
		if err := os.WriteFile(other.config, []byte("watch_config: true\n"+numberedCameras(cameras, nil)), 0o644); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another camd to read its file", func() bool { return len(other.cameras()) == cameras })
		if _, times := g.reloadState(); times != 0 {
			t.Fatal("a partial file was read")
		}
		if _, err := f.WriteString(part); err != nil {
			t.Fatal(err)
		}
	}
	g.checkUnchanged()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file to be read", func() bool { _, times := g.reloadState(); return times > 0 })
	g.admin.checkStatus("/api/v1/cameras/shed", http.StatusOK)
	g.admin.checkStatus("/api/v1/cameras/yard", http.StatusNotFound)
	g.anonymous.checkStatus("/api/v1/cameras", http.StatusUnauthorized)
	if log := g.stderr.String(); strings.Contains(log, "configuration not reloaded") {
		t.Errorf("a partial file was read:\n%s", log)
	}

	g.writeConfig("") // this closes the file
	eventually(t, "the empty file to be refused", func() bool { r, _ := g.reloadState(); return !r.Config.OK })
	g.anonymous.checkStatus("/api/v1/cameras", http.StatusUnauthorized)
	g.admin.checkStatus("/api/v1/cameras/shed", http.StatusOK)
}
