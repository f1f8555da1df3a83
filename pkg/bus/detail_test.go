package bus

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats.go"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

// The detail of a camera may contain addresses of its site's network. So it does not go over the bus, but the reason does.
func TestDetailStaysAtItsSite(t *testing.T) {
	url := startServer(t).ClientURL()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	announcements, err := conn.SubscribeSync(">")
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	yard := newFakeCamera("yard")
	yard.status.State, yard.status.Reason, yard.status.Detail = camera.Offline, camera.Unreachable, "dial tcp planted-host:554: refused"
	yard.status.Source = "rtsp://planted-user@planted-host/1"
	site, _ := startBus(t, Options{URLs: []string{url}, Site: "north"})
	site.SetLocalCameras([]LocalCamera{yard})
	relay, _ := startBus(t, Options{URLs: []string{url}, Relay: true})
	s := waitCamera(t, relay, "north.yard", camera.Offline).Status()
	if s.Reason != camera.Unreachable || s.Detail != "" {
		t.Errorf("got reason %s and detail %q at the relay", s.Reason, s.Detail)
	}
	seen := false
	testrun.WaitFor(t, "the announcement of the site", func() bool {
		for n, _, _ := announcements.Pending(); n > 0; n-- {
			m, err := announcements.NextMsg(nats.DefaultTimeout)
			if err != nil {
				t.Fatal(err)
			}
			seen = seen || bytes.Contains(m.Data, []byte("Camera yard"))
			if bytes.Contains(m.Data, []byte("planted")) {
				t.Errorf("%s: %s", m.Subject, m.Data)
			}
		}
		return seen
	})
}
