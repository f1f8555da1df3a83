package bus

import (
	"bytes"
	"testing"
	"time"

	"camd/internal/peer"
	"camd/pkg/camera"
)

// pair is a site with one camera and a relay, at one server.
func pairAt(t testing.TB, siteURL, relayURL string) (*localCamera, *Bus, *Bus) {
	t.Helper()
	yard := newLocal("yard", "preview")
	site, _ := start(t, Options{URLs: []string{siteURL}, Site: "north"})
	site.Offer([]Source{yard})
	relay, _ := start(t, Options{URLs: []string{relayURL}, Relay: true})
	return yard, site, relay
}

func TestViewersElsewhereSeeTheSamePictures(t *testing.T) {
	url := engine(t).ClientURL()
	yard, site, relay := pairAt(t, url, url)
	c := find(t, relay, "north.yard", camera.Live)
	if s := c.Status(); s.Title != "Camera yard" || c.Site() != "north" {
		t.Errorf("got %+v of %s", s, c.Site())
	}
	if got := c.Renditions(); len(got) != 2 || got[0] != camera.Main || got[1] != "preview" {
		t.Errorf("got renditions %q", got)
	}
	v := watch(t, c, camera.Main)
	peer.Until(t, "demand at the site", func() bool { return yard.topics[camera.Main].Wanted() })
	sent := yard.publish(100_000)
	got := v.next(false)
	if !bytes.Equal(got.JPEG, sent.JPEG) || !bytes.Equal(got.Part, sent.Part) {
		t.Errorf("got %d bytes, want those %d", len(got.JPEG), len(sent.JPEG))
	}
	if got.Width != 32 || got.Height != 16 || got.Captured.Sub(sent.Captured).Abs() > time.Microsecond {
		t.Errorf("got %dx%d taken %v, want 32x16 taken %v", got.Width, got.Height, got.Captured, sent.Captured)
	}
	if yard.topics["preview"].Wanted() {
		t.Error("a rendition is wanted that nobody watches")
	}
	v.sub.Close()
	peer.Until(t, "the end of demand", func() bool { return !yard.topics[camera.Main].Wanted() })
	peer.Until(t, "it to be told", func() bool { return !wentOut(site, "yard", camera.Main).Watched })
}
