package bus

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"

	"camd/pkg/camera"
)

// FuzzAnnouncement gives a relay whose tables are small any announcement of any site, several times. What the relay keeps stays
// within its limits. A known site keeps its camera unless the announcement has the name of that site and instance.
func FuzzAnnouncement(f *testing.F) {
	for _, data := range announcementSeeds() {
		f.Add("south", data)
		f.Add("north", data)
	}
	f.Add("north.ask", []byte("{}"))
	f.Add("*", []byte(`{"v":2,"instance":"`+testPublisher+`"}`))
	f.Fuzz(func(t *testing.T, site string, data []byte) {
		b := newLimitedRelay(t, SiteLimits{Sites: 2, Cameras: 4})
		honest := testInstance(1)
		b.announce(t, "north", announce(honest, []string{"yard"}))
		b.relay.sites["north"].firstSeen = time.Now().Add(-time.Hour) // claims are believed right after a site is first heard
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 3 {
			b.receiveNow(&nats.Msg{Subject: "camd." + site, Data: data})
			b.relay.refresh()
		}
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+2000*len(data)); got > most {
			t.Errorf("an announcement of %d bytes made the relay allocate %d", len(data), got)
		}
		if sites, cameras := len(b.relay.sites), len(b.Cameras()); sites > 2 || cameras > 4 || b.relay.cameras > 4 {
			t.Errorf("%d sites with %d cameras, %d of instances", sites, cameras, b.relay.cameras)
		}
		if !strings.Contains(string(data), honest) {
			if c := b.relay.sites["north"].cameras["yard"]; c == nil || c.instance != honest {
				t.Errorf("the known site lost its camera: %+v", c)
			}
		}
		expectPrintable(t, b)
	})
}

// announcementSeeds returns correct announcements, and almost correct ones.
func announcementSeeds() (all [][]byte) {
	w := announce(testPublisher, []string{"yard", "hall"}, "preview")
	w.Host, w.SentAt = "host", time.Unix(1700000000, 0).UTC()
	add := func(change func(*announcement)) {
		other := w
		other.Cameras = append([]cameraInfo(nil), w.Cameras...)
		change(&other)
		data, _ := json.Marshal(other)
		all = append(all, data)
	}
	add(func(*announcement) {})
	add(func(w *announcement) { w.Leaving, w.Complete, w.Cameras = true, false, nil })
	add(func(w *announcement) { w.Complete, w.Cameras, w.Revision = false, nil, 7 })
	add(func(w *announcement) { w.Cameras[0].HeldSeconds = 1e10 })
	add(func(w *announcement) {
		w.Cameras[0].Title, w.Cameras[1].Detail = strings.Repeat("é", 1000), "\x1b[31m\u202e"
	})
	add(func(w *announcement) { w.Cameras[0].State, w.Cameras[1].Reason = "melted", "because" })
	add(func(w *announcement) { w.Cameras[0].Renditions = nil })
	add(func(w *announcement) { w.Cameras = w.Cameras[:1]; w.Cameras[0].State = camera.Paused })
	add(func(w *announcement) { *w = announce(testPublisher, []string{"a", "b", "c", "d", "e", "f"}) })
	return append(all, all[0][:len(all[0])/2], []byte(`{"instance":"`+testPublisher+`","v":2}`), []byte(`{"v":2,"instance":"`+testPublisher+`","instance":"`+testInstance(3)+`","complete":true}`))
}

func expectPrintable(t *testing.T, b *Bus) {
	t.Helper()
	for _, c := range b.Cameras() {
		s := c.Status()
		for _, text := range []string{s.ID, s.Title, s.Detail, s.Format.Codec} {
			if len(text) > maxText || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q is not printable", text)
			}
		}
	}
}
