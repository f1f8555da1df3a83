package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// writeNKey writes an NKey seed, and returns the path of its file and the public key.
func writeNKey(t *testing.T) (path, public string) {
	t.Helper()
	k, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := k.Seed()
	public, _ = k.PublicKey()
	path = filepath.Join(t.TempDir(), "seed.nk")
	if err := os.WriteFile(path, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, public
}

func TestEachAccountKindConnects(t *testing.T) {
	t.Parallel()
	shown := testpeer.Certificate{}.Make(t)
	seed, public := writeNKey(t)
	other, _ := writeNKey(t)
	encrypted := TLS{CA: shown.File}
	for _, c := range []struct {
		what      string
		server    func(*server.Options)
		good, bad Account
	}{
		{"password", func(o *server.Options) { o.Username, o.Password = "u", "right" }, Account{User: "u", Password: "right"}, Account{User: "u", Password: "a-secret"}},
		{"token", func(o *server.Options) { o.Authorization = "right" }, Account{Token: "right"}, Account{Token: "a-secret"}},
		{"nkey", func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} }, Account{NKey: seed}, Account{NKey: other}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			url := startServer(t, c.server, func(o *server.Options) {
				config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: shown.File, KeyFile: shown.Key})
				if err != nil {
					t.Fatal(err)
				}
				o.TLSConfig, o.TLSTimeout = config, 30
			}).ClientURL()
			url = strings.Replace(url, "nats://", "tls://", 1)
			site, _ := startBus(t, Options{URLs: []string{url}, Site: "north", Account: c.good, TLS: encrypted})
			site.SetLocalCameras([]LocalCamera{newFakeCamera("yard")})
			relay, _ := startBus(t, Options{URLs: []string{url}, Relay: true, Account: c.good, TLS: encrypted})
			waitCamera(t, relay, "north.yard", camera.Live)
			refused, _ := startBus(t, Options{URLs: []string{url}, Relay: true, Account: c.bad, TLS: encrypted})
			testrun.WaitFor(t, "the refusal", func() bool { return strings.Contains(refused.State().Problem, "refuses the credentials") })
			unknown, _ := startBus(t, Options{URLs: []string{url}, Relay: true, Account: c.good})
			testrun.WaitFor(t, "the certificate to be refused", func() bool { return strings.Contains(unknown.State().Problem, "certificate") })
			if p := refused.State().Problem + unknown.State().Problem; strings.Contains(p, "a-secret") {
				t.Errorf("the problem contains a secret: %q", p)
			}
		})
	}
}

func TestPermissionViolationIsReported(t *testing.T) {
	t.Parallel()
	nats := testpeer.ServeNATS(t, `authorization { users: [{user: north, password: p, permissions: {publish: "other.>", subscribe: "camd.>"}}] }`)
	site, _ := startBus(t, Options{URLs: []string{nats.URL}, Site: "north", Account: Account{User: "north", Password: "p"}})
	site.SetLocalCameras([]LocalCamera{newFakeCamera("yard")})
	testrun.WaitFor(t, "the reported problem", func() bool { return strings.Contains(site.State().Problem, "camd.north") })
}

func TestMissingAccountFileIsReported(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Relay: true, Account: Account{NKey: missing}}); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	url := startServer(t).ClientURL()
	for _, o := range []Options{{Account: Account{Credentials: missing}}, {TLS: TLS{CA: missing}}} {
		o.URLs, o.Relay = []string{url}, true
		b, _ := startBus(t, o)
		testrun.WaitFor(t, "a problem that names the file", func() bool { return strings.Contains(b.State().Problem, missing) })
	}
}
