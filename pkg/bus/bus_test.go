package bus

import (
	"bytes"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

// startPair starts a site with one camera, and a relay, on one server.
func startPair(t testing.TB, siteURL, relayURL string) (*fakeCamera, *Bus, *Bus) {
	t.Helper()
	yard := newFakeCamera("yard", "preview")
	site, _ := startBus(t, Options{URLs: []string{siteURL}, Site: "north"})
	site.SetLocalCameras([]LocalCamera{yard})
	relay, _ := startBus(t, Options{URLs: []string{relayURL}, Relay: true})
	return yard, site, relay
}

func TestRelayDeliversSameFrames(t *testing.T) {
	url := startServer(t).ClientURL()
	yard, site, relay := startPair(t, url, url)
	c := waitCamera(t, relay, "north.yard", camera.Live)
	if s := c.Status(); s.Title != "Camera yard" || c.Site() != "north" {
		t.Errorf("got %+v of %s", s, c.Site())
	}
	if got := c.Renditions(); len(got) != 2 || got[0] != camera.Main || got[1] != "preview" {
		t.Errorf("got renditions %q", got)
	}
	v := watchTopic(t, c, camera.Main)
	testrun.WaitFor(t, "demand at the site", func() bool { return yard.topics[camera.Main].Wanted() })
	sent := yard.publish(100_000)
	got := v.next(false)
	if !bytes.Equal(got.Data, sent.Data) || !bytes.Equal(got.Wire, sent.Wire) {
		t.Errorf("got %d bytes, want the %d bytes that were sent", len(got.Data), len(sent.Data))
	}
	if got.Format.Width != 32 || got.Format.Height != 16 || got.Captured.Sub(sent.Captured).Abs() > time.Microsecond {
		t.Errorf("got %dx%d taken %v, want 32x16 taken %v", got.Format.Width, got.Format.Height, got.Captured, sent.Captured)
	}
	if yard.topics["preview"].Wanted() {
		t.Error("a rendition without viewers is requested")
	}
	v.sub.Close()
	testrun.WaitFor(t, "the end of demand", func() bool { return !yard.topics[camera.Main].Wanted() })
	testrun.WaitFor(t, "the end of the watched stream", func() bool { return !sentStream(site, "yard", camera.Main).Watched })
}
