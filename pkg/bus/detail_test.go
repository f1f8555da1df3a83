package bus

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats.go"

	"camd/internal/peer"
	"camd/pkg/camera"
)

// What exactly is wrong with a camera may have addresses of its site's network, so it does not go over the bus. The reason does.
func TestDetailStaysAtItsSite(t *testing.T) {
	url := engine(t).ClientURL()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	heard, err := conn.SubscribeSync(">")
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	yard := newLocal("yard")
	yard.status.State, yard.status.Reason, yard.status.Detail = camera.Offline, camera.Unreachable, "dial tcp planted-host:554: refused"
	yard.status.Source = "rtsp://planted-user@planted-host/1"
	site, _ := start(t, Options{URLs: []string{url}, Site: "north"})
	site.Offer([]Source{yard})
	relay, _ := start(t, Options{URLs: []string{url}, Relay: true})
	s := find(t, relay, "north.yard", camera.Offline).Status()
	if s.Reason != camera.Unreachable || s.Detail != "" {
		t.Errorf("the relay has %s, %q", s.Reason, s.Detail)
	}
	seen := false
	peer.Until(t, "what the site says", func() bool {
		for n, _, _ := heard.Pending(); n > 0; n-- {
			m, err := heard.NextMsg(nats.DefaultTimeout)
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
