package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"camd/internal/testpeer"
)

// The permissions in deploy/nats/camd.conf suffice for sites and relays, and a relay cannot send pictures. The doctor reports a failed
// connection.
func TestBusPermissionsSuffice(t *testing.T) {
	t.Setenv("NORTH_PASSWORD", "hunter2-north")
	t.Setenv("RELAY_PASSWORD", "hunter2-relay")
	conf := strings.Replace(string(readFile(t, "../../deploy/nats/camd.conf")), "listen: 0.0.0.0:4222\n", "", 1)
	server := testpeer.ServeNATS(t, conf)
	as := func(user, site string, cameras ...string) string {
		password := write(t, t.TempDir(), "password", "hunter2-"+user)
		return strings.Replace(busConfig(server, site, cameras...), "]}", "], user: "+user+", password_file: "+password+"}", 1)
	}
	north := start(t, options{config: as("north", "north", "gate:10")})
	relay := startRelay(t, as("relay", ""))
	relay.waitForCameras("north.gate")
	watch(t, relay.URL+"/cameras/north.gate/stream.mjpg").waitFor("a live picture", isLive)

	violations := make(chan error, 1)
	conn, err := nats.Connect(server.URL, nats.UserInfo("relay", "hunter2-relay"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := errors.Join(conn.Publish("camd.north.gate.main", []byte("forged")), conn.Flush()); err != nil {
		t.Fatal(err)
	}
	if err := <-violations; !strings.Contains(strings.ToLower(err.Error()), "permissions violation") {
		t.Errorf("a relay published a picture: %v", err)
	}

	o := camd(t, "doctor", "-c", relay.config)
	for _, want := range []string{"connected to " + strings.TrimPrefix(server.URL, "nats://"), "site north, cameras: 1", ": no mistakes, a relay", "not needed: a relay"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("the doctor does not report %q:\n%s", want, o.stdout)
		}
	}
	stranger := write(t, t.TempDir(), "camd.yaml", as("stranger", "south", "gate:10"))
	if o = camd(t, "doctor", "-c", stranger); o.code != 1 || !strings.Contains(o.stdout, "no connection") || strings.Contains(o.stdout+o.stderr, "hunter2") {
		t.Errorf("%+v", o)
	}
	for _, d := range []*daemon{north, relay} {
		_, _, metrics := get(t, d.URL+"/metrics")
		_, _, list := get(t, d.URL+"/api/v1/cameras")
		if strings.Contains(d.stderr.String()+d.stdout.String()+string(metrics)+string(list), "hunter2") {
			t.Error("a password is in the log or an answer")
		}
		if code, _, _ := get(t, d.URL+"/healthz"); code != http.StatusOK {
			t.Errorf("healthz: %d", code)
		}
	}
}
