package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// readiness is the answer of /readyz.
type readiness struct {
	Status string
	Config struct {
		OK      bool
		Error   string
		Restart []string

		LastGood string `json:"last_good"`
	}
}

func (d *daemon) readiness() (r readiness) {
	d.t.Helper()
	d.getJSON("/readyz", &r)
	return r
}

// A reload of a file with mistakes changes nothing. Log and /readyz name each mistake with its place and without secrets.
// The corrected file is loaded.
func TestReloadOfBadFileChangesNothing(t *testing.T) {
	t.Parallel()
	good := numberedCameras(2, nil)
	d := start(t, options{config: good})
	d.waitForState("c1", "live")
	before := d.waitForState("c0", "live")
	w := d.startStreamChecker("c0")
	if r := d.readiness(); !r.Config.OK || r.Config.Error != "" || r.Status != "ready" {
		t.Errorf("%+v", r)
	}
	const success, failures = "camd_config_last_reload_success", `camd_config_reloads_total{result="failed"}`
	if d.metric(success) != 1 || d.metric(failures) != 0 || d.metric("camd_config_last_reload_timestamp_seconds") < float64(time.Now().Unix()-600) {
		t.Error("the metrics do not show that the start had a good file")
	}
	bad := good + "  - {id: c0, source: 'rtsp://viewer:hunter2secret@10.0.0.7/a', fps: many}\n  - {id: fresh, source: 'test://', colour: red}\n"
	d.reloadWith(bad)
	r := d.readiness()
	for _, want := range []string{`camd.yaml:6:6: id: "c0" is the id of the camera on line`, "camd.yaml:6:69: fps: ", "camd.yaml:7:", "colour"} {
		if !strings.Contains(r.Config.Error, want) || !strings.Contains(d.stderr.String(), strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("the log or /readyz lacks %q: %s", want, r.Config.Error)
		}
	}
	if r.Config.OK || r.Status != "ready" || d.metric(success) != 0 || d.metric(failures) != 1 {
		t.Errorf("%+v", r)
	}
	if strings.Contains(r.Config.Error+d.stderr.String(), "hunter2secret") {
		t.Error("the log or /readyz has a password")
	}
	if now := d.cameras(); len(now) != 2 || now["c0"].Worker.PID != before.Worker.PID {
		t.Errorf("%+v", now)
	}
	if err := os.Remove(d.config); err != nil {
		t.Fatal(err)
	}
	d.reload()
	if r := d.readiness(); r.Config.OK || !strings.Contains(r.Config.Error, "no such file") || len(d.cameras()) != 2 {
		t.Errorf("without the file: %+v", r)
	}
	d.reloadWith(good + "  - {id: fresh, source: 'test://?size=320x180&fps=5'}\n")
	if r := d.readiness(); !r.Config.OK || r.Config.Error != "" || d.metric(success) != 1 || d.metric(failures) != 2 {
		t.Errorf("a corrected file: %+v", r)
	}
	d.waitForState("fresh", "live")
	w.checkUndisturbed()
}

// A reload names the keys that need a restart, until the file has the old values again or camd restarts. A flag overrides the file.
func TestReloadNamesKeysThatNeedRestart(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: numberedCameras(1, nil), args: []string{"--log-level", "info"}})
	d.waitForState("c0", "live")
	i := testpeer.Certificate{}.Make(t)
	d.reloadWith(encryptedConfig(i, 1) + "listen: 127.0.0.1:1\nstate_dir: kept\nlog: {level: debug, format: json}\n")
	want := []string{"tls", "state_dir", "log.format"} // not listen, which a flag overrides
	if r := d.readiness(); !r.Config.OK || !slices.Equal(r.Config.Restart, want) {
		t.Errorf("%+v, want %v", r.Config, want)
	}
	if log := d.stderr.String(); !strings.Contains(log, `"keys":["tls","state_dir","log.format"]`) || strings.Contains(log, `"level":"debug"`) {
		t.Errorf("%s", log)
	}
	d.reloadWith(numberedCameras(1, nil))
	if r := d.readiness(); !r.Config.OK || len(r.Config.Restart) != 0 {
		t.Errorf("the old values again: %+v", r.Config)
	}
}

// A file without auth whose listen address is local is refused while camd still listens on an address that other machines reach.
func TestReloadRefusesExposure(t *testing.T) {
	t.Parallel()
	l, file := openListener(t, "0.0.0.0:0")
	d := startWithListener(t, file, numberedCameras(1, nil)+"auth: {anonymous: {role: admin}}\n")
	d.URL = fmt.Sprintf("http://127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
	d.waitForState("c0", "live")
	d.reloadWith(numberedCameras(1, nil) + "listen: 127.0.0.1:0\n")
	if r := d.readiness(); r.Config.OK || !strings.Contains(r.Config.Error, "can be reached from other machines, and the configuration has no auth") {
		t.Errorf("without auth: %+v", r.Config)
	}
	d.reloadWith(numberedCameras(1, nil) + "listen: 127.0.0.1:0\nauth: {anonymous: admin}\n")
	if r := d.readiness(); !r.Config.OK {
		t.Errorf("with auth: %+v", r.Config)
	}
}

// A reload reads certificate and key again. New connections get the new certificate, and streams continue.
func TestReloadOfCertificateKeepsStreams(t *testing.T) {
	t.Parallel()
	first, second := testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t)
	d := start(t, options{config: encryptedConfig(first, 1)})
	d.waitForState("c0", "live")
	serial := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", strings.TrimPrefix(d.URL, "https://"), insecureTLS)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	w := d.startStreamChecker("c0")
	before := serial()
	for from, to := range map[string]string{second.File: first.File, second.Key: first.Key} {
		if err := os.WriteFile(to, readFile(t, from), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if serial() != before {
		t.Error("the certificate changed without a reload")
	}
	d.reload()
	if serial() == before {
		t.Error("the certificate did not change")
	}
	if err := os.WriteFile(first.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := serial()
	d.reload()
	if r := d.readiness(); r.Config.OK || !strings.Contains(r.Config.Error, "key: ") || serial() != now {
		t.Errorf("with an invalid key: %+v", r.Config)
	}
	w.checkUndisturbed()
}

// Fifty reloads with different changes, under viewers, leak nothing.
func TestFiftyReloadsLeakNothing(t *testing.T) {
	const cameras = 6
	version := func(n int) string {
		if n < 0 {
			return numberedCameras(cameras, nil)
		}
		config := numberedCameras(cameras, map[int]string{
			2: "title: Title " + itoa(n) + ", source: 'test://?size=320x180&fps=5', renditions: {r" + itoa(n) + ": {width: 160}}",
			3: "source: 'test://?size=320x180&fps=" + itoa(5+n%5) + "'",
		})
		return config + "  - {id: new" + itoa(n) + ", source: 'test://?size=160x96&fps=5'}\nlimits: {viewers: " + itoa(100+n) + "}\n"
	}
	d := start(t, options{config: version(-1)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var viewers sync.WaitGroup
	c := &changingViewers{t: t, decodeEvery: 16, checked: map[uint64]pictureResult{}}
	for i := range 20 {
		id := "c" + itoa(i%cameras)
		viewers.Go(func() {
			if err := c.watch(ctx, d.URL+"/cameras/"+id+"/stream.mjpg"); ctx.Err() == nil {
				t.Errorf("a viewer of %s was lost: %v", id, err)
			}
		})
	}
	eventually(t, "the viewers to have pictures", func() bool { return c.pictures.Load() > 200 })
	settled := func() (b resourceUsage) {
		for i := range cameras {
			d.waitForState("c"+itoa(i), "live")
		}
		return d.resourceUsage()
	}
	begin, before := settled(), d.cameras()
	for n := range 50 {
		d.reloadWith(version(n))
		answer, err := streamClient.Get(d.URL + "/cameras/new" + itoa(n) + "/stream.mjpg") // the stream ends with the next reload
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("round %d: %v, %v", n, answer, err)
		}
		viewers.Go(func() { defer answer.Body.Close(); _, _ = io.Copy(io.Discard, answer.Body) })
	}
	d.reloadWith(version(-1))
	var end resourceUsage
	eventually(t, "resources to be released", func() bool {
		end = settled()
		return end.descriptors <= begin.descriptors && end.goroutines <= begin.goroutines+5 && len(children(d.cmd.Process.Pid)) == cameras
	})
	for id, was := range before {
		if now := d.camera(id); id != "c3" && now.Worker.PID != was.Worker.PID {
			t.Errorf("%s has another process", id)
		}
	}
	cancel()
	viewers.Wait()
	t.Logf("before %+v, after %+v", begin, end)
	if n := d.metric(`camd_config_reloads_total{result="ok"}`); n != 51 {
		t.Errorf("%v reloads, want 51", n)
	}
}

// Signals during a reload are not lost and do not pile up.
func TestSignalsDuringReloadAreNotLost(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: numberedCameras(1, nil)})
	w := d.startStreamChecker("c0")
	if err := os.WriteFile(d.config, []byte(numberedCameras(2, nil)), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the newest file to be in force", func() bool { return len(d.cameras()) == 2 })
	w.checkUndisturbed()
}

// A watched file is read when it has changed: written in place, written slowly, or replaced. It is not read before it is complete.
func TestWatchedFileIsReadWhenChanged(t *testing.T) {
	t.Parallel()
	watched := func(n int) string { return "watch_config: true\n" + numberedCameras(n, nil) }
	d := start(t, options{config: watched(1)})
	d.waitForState("c0", "live")
	w := d.startStreamChecker("c0")
	has := func(n int) {
		t.Helper()
		eventually(t, "the file to be in force", func() bool { return len(d.cameras()) == n })
	}
	if err := os.WriteFile(d.config, []byte(watched(2)), 0o644); err != nil {
		t.Fatal(err)
	}
	has(2)
	// Under another name first, as most editors do.
	if err := os.Rename(write(t, filepath.Dir(d.config), "new", watched(3)), d.config); err != nil {
		t.Fatal(err)
	}
	has(3)
	if err := os.WriteFile(d.config, []byte("cameras: what\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mistake to be reported", func() bool { return !d.readiness().Config.OK })
	if len(d.cameras()) != 3 {
		t.Error("a bad file is in force")
	}
	if err := os.WriteFile(d.config, []byte(watched(1)), 0o644); err != nil {
		t.Fatal(err)
	}
	has(1)
	w.checkUndisturbed()
}

// Without a file a reload finds new devices, and does not disturb those that were found before.
func TestReloadWithoutFileFindsDevices(t *testing.T) {
	t.Parallel()
	d := start(t, options{})
	before := d.waitForState("test", "live")
	w := d.startStreamChecker("test")
	d.reload()
	if r := d.readiness(); !r.Config.OK || len(r.Config.Restart) != 0 {
		t.Errorf("%+v", r.Config)
	}
	w.checkUndisturbed()
	if now := d.camera("test"); now.Worker.PID != before.Worker.PID {
		t.Error("the capture process was replaced")
	}
}
