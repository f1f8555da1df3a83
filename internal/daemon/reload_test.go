package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"camd/internal/configfile"
	"camd/internal/logging"
	"camd/internal/testpeer"
	"camd/pkg/certificate"
	"camd/pkg/config"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// refusals are reloads that one component refuses. Each changes a configuration that all components would accept.
var refusals = []struct {
	name, component string
	refuse          func(t *testing.T, next *configfile.Loaded)
}{
	{"file is gone", "configuration file", func(_ *testing.T, next *configfile.Loaded) { next.Path = "" }},
	{"section auth is lost", "access rules", func(_ *testing.T, next *configfile.Loaded) { next.HasAuth = false }},
	{"everybody would have access from other machines", "access rules", func(_ *testing.T, next *configfile.Loaded) { next.Auth = nil }},
	{"key is of another certificate", "certificate", func(t *testing.T, next *configfile.Loaded) {
		one, other := testpeer.Certificate{Name: "one"}.Make(t), testpeer.Certificate{Name: "other"}.Make(t)
		next.TLS = &config.TLS{Certificate: one.File, Key: other.Key}
	}},
	{"client CA is missing", "certificate", func(_ *testing.T, next *configfile.Loaded) { next.TLS.ClientCA = "/nowhere/ca.pem" }},
	{"certificate cannot be kept", "certificate", func(_ *testing.T, next *configfile.Loaded) { next.StateDir = "/dev/null" }},
	{"capture program is missing", "cameras", func(t *testing.T, _ *configfile.Loaded) { t.Setenv("PATH", t.TempDir()) }},
	{"webhook has no usable URL", "notifications", func(_ *testing.T, next *configfile.Loaded) { next.Webhooks[0].URL = "http://[::1" }},
	{"MQTT CA is missing", "notifications", func(_ *testing.T, next *configfile.Loaded) {
		next.MQTT = &config.MQTT{URL: "mqtts://127.0.0.1:1", CA: "/nowhere/ca.pem"}
	}},
	{"log level does not exist", "log", func(_ *testing.T, next *configfile.Loaded) { next.Log.Level = "loud" }},
}

func TestRefusedReloadChangesNothing(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			d := startDaemon(t)
			next := d.changed(t)
			before := d.observe(t)
			r.refuse(t, &next)
			err := d.reload(t, next)
			if err == nil {
				t.Fatal("the reload was not refused")
			}
			if refusing := d.refusingComponent(t, next); refusing != r.component {
				t.Errorf("component %q refused it (%v), want %q", refusing, err, r.component)
			}
			if after := d.observe(t); !reflect.DeepEqual(before, after) {
				t.Errorf("refused with %v\nbefore %+v\nafter  %+v", err, before, after)
			}
		})
	}
}

// The test above would also pass if no reload could change the observations. So this one checks that a reload changes each of them.
func TestAcceptedReloadChangesEveryObservation(t *testing.T) {
	d := startDaemon(t)
	before := d.observe(t)
	if err := d.reload(t, d.changed(t)); err != nil {
		t.Fatal(err)
	}
	after := d.observe(t)
	for name, was := range before {
		if after[name] == was {
			t.Errorf("%s did not change: %s", name, was)
		}
	}
}

func TestEveryComponentThatCanRefuseIsTested(t *testing.T) {
	d := startDaemon(t)
	for _, c := range d.daemon.components() {
		tested := false
		for _, r := range refusals {
			tested = tested || r.component == c.name
		}
		if tested != (c.prepare != nil) {
			t.Errorf("component %q: can refuse %v, tested %v", c.name, c.prepare != nil, tested)
		}
		if c.prepare != nil && c.commit != nil {
			t.Errorf("component %q has both prepare and commit", c.name)
		}
	}
}

// metricsToken is the token with which tests read the metrics of a testDaemon.
const metricsToken = "camd_0123456789abcdef0123456789abcdef"

// testDaemon is a daemon in the process of the test.
type testDaemon struct {
	daemon  *daemon
	dir     string
	signals chan os.Signal
	reads   chan func() (configfile.Loaded, error) // functions to call on the goroutine of the daemon
}

// startDaemon starts a daemon with a camera whose process is never started.
func startDaemon(t *testing.T) *testDaemon {
	t.Helper()
	worker := filepath.Join(t.TempDir(), "camd-capture")
	if err := os.WriteFile(worker, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(worker))
	d := &testDaemon{dir: t.TempDir(), signals: make(chan os.Signal), reads: make(chan func() (configfile.Loaded, error))}
	audit := filepath.Join(d.dir, "audit.log")
	logs, err := logging.New(logging.Options{Level: "info", Format: "json", Audit: audit}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	first := d.config(t, "Yard")
	first.Log.Level = "info"
	ready := make(chan struct{})
	o := Options{
		Config: first, Loggers: logs, Reload: d.signals, TerminalGone: func() bool { return false },
		ReadConfig: func() (configfile.Loaded, error) { return (<-d.reads)() }, Ready: func(net.Addr) { close(ready) },
	}
	if d.daemon, err = newDaemon(o); err != nil {
		t.Fatal(err)
	}
	if err := d.daemon.listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- runAll(ctx, d.daemon.components()) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-ready
	// The audit log is rotated. A component that opens the file again creates a new one.
	if err := os.Rename(audit, audit+".1"); err != nil {
		t.Fatal(err)
	}
	return d
}

// config returns a configuration with one camera that has the title.
func (d *testDaemon) config(t *testing.T, title string) configfile.Loaded {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.StateDir = "0.0.0.0:0", filepath.Join(d.dir, "state")
	cfg.TLS = &config.TLS{SelfSigned: true}
	cfg.Auth = config.DefaultAuth()
	cfg.Auth.Anonymous = config.Permission{Role: "view"}
	cfg.Auth.Tokens = []config.Token{{Name: "prometheus", TokenFile: config.NamedFile{Content: metricsToken}, Permission: config.Permission{Role: "metrics"}}}
	camera := config.DefaultCamera("yard", sourceurl.Source{Kind: sourceurl.Test})
	camera.Title, camera.OnDemand = title, true
	cfg.Cameras = []options.Camera{camera}
	return configfile.Loaded{Config: cfg, Path: filepath.Join(d.dir, "camd.yaml"), Text: []byte(title), HasAuth: true}
}

// changed returns a configuration that differs from the first in everything that a reload can change.
func (d *testDaemon) changed(t *testing.T) configfile.Loaded {
	t.Helper()
	next := d.config(t, "Garden")
	next.PublicURL = "https://cams.example" // the generated certificate must be for this name
	next.Auth.Anonymous = config.Permission{}
	next.Webhooks = []config.Webhook{{URL: "http://127.0.0.1:1/"}}
	next.Log.Level = "error"
	return next
}

// reload reloads a configuration. It returns the error with which the daemon refused it, or nil.
func (d *testDaemon) reload(t *testing.T, next configfile.Loaded) error {
	t.Helper()
	d.onDaemonGoroutine(func() (configfile.Loaded, error) { return next, nil })
	err := errors.New("the configuration is not in force")
	d.onDaemonGoroutine(func() (configfile.Loaded, error) {
		if d.daemon.active.Config == next.Config {
			err = nil
		}
		return configfile.Loaded{}, errNotRead
	})
	return err
}

var errNotRead = errors.New("only the state of the daemon was read")

// onDaemonGoroutine starts a reload. read takes the place of reading the configuration. onDaemonGoroutine returns after read.
func (d *testDaemon) onDaemonGoroutine(read func() (configfile.Loaded, error)) {
	called := make(chan struct{})
	d.signals <- syscall.SIGHUP
	d.reads <- func() (configfile.Loaded, error) { defer close(called); return read() }
	<-called
}

// refusingComponent returns the first component that refuses a configuration.
func (d *testDaemon) refusingComponent(t *testing.T, next configfile.Loaded) (name string) {
	t.Helper()
	d.onDaemonGoroutine(func() (configfile.Loaded, error) {
		for _, c := range d.daemon.components() {
			if c.prepare == nil {
				continue
			}
			if _, err := c.prepare(next); err != nil {
				name = c.name
				break
			}
		}
		return configfile.Loaded{}, errNotRead
	})
	return name
}

// observe returns the observable state of a daemon, by name.
func (d *testDaemon) observe(t *testing.T) map[string]string {
	t.Helper()
	seen := map[string]string{}
	d.onDaemonGoroutine(func() (configfile.Loaded, error) {
		running := d.daemon
		seen["active configuration"] = fmt.Sprintf("%p %s", running.active.Config, running.active.Text)
		seen["authenticator"] = fmt.Sprintf("%p", running.registry.authenticator)
		seen["camera titles"] = fmt.Sprint(running.registry.statuses()[0].Title)
		seen["notifications"] = fmt.Sprintf("%p", running.notifiers.config)
		seen["log level"] = running.options.Loggers.Level.String()
		return configfile.Loaded{}, errNotRead
	})
	seen["anonymous access"], seen["certificate"] = d.ask(t)
	seen["series of notifications"] = d.notificationSeries(t)
	texts := readFiles(t, d.dir)
	seen["names of files"] = strings.Join(slices.Sorted(maps.Keys(texts)), " ") // has a new audit log after that is opened again
	for _, name := range []string{"state/last-good.yaml", "state/self-signed.pem"} {
		seen[name] = texts[name]
	}
	return seen
}

// ask returns the status of a request without a login, and the certificate of the server.
func (d *testDaemon) ask(t *testing.T) (status, fingerprint string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	address := fmt.Sprintf("https://127.0.0.1:%d/api/v1/cameras/yard", d.daemon.mainListener.Addr().(*net.TCPAddr).Port)
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Status, certificate.Fingerprint(&tls.Certificate{Leaf: resp.TLS.PeerCertificates[0]})
}

// notificationSeries returns the names and labels of all series about notifications.
func (d *testDaemon) notificationSeries(t *testing.T) string {
	t.Helper()
	answer := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "http://localhost/metrics", nil)
	request.Header.Set("Authorization", "Bearer "+metricsToken)
	d.daemon.server.MetricsHandler().ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		t.Fatal(answer)
	}
	var series []string
	for line := range strings.Lines(answer.Body.String()) {
		if name, _, found := strings.Cut(line, " "); found && strings.HasPrefix(name, "camd_notifications_total{") {
			series = append(series, name)
		}
	}
	slices.Sort(series)
	return strings.Join(series, "\n")
}

// readFiles returns the text of all files below a folder, by name.
func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		texts[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
