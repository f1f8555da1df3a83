package bus

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image/jpeg"
	"runtime"
	"slices"
	"testing"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// fuzzMessage returns one message of a hostile peer: its kind and two byte strings.
func fuzzMessage(kind byte, a, b []byte) []byte {
	out := []byte{kind}
	out = binary.BigEndian.AppendUint32(out, uint32(len(a)))
	out = append(out, a...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(b)))
	return append(out, b...)
}

const (
	fuzzAnnounce = iota
	fuzzDuplicate
	fuzzInterest
	fuzzFrame
	fuzzKinds
)

const testPublisher = "STRANGER01234567890123"

// addFuzzSeeds adds correct messages, and almost correct ones.
func addFuzzSeeds(f *testing.F) {
	now := time.Unix(1700000000, 0).UTC()
	w := announcement{Version: protocolVersion, Instance: testPublisher, Host: "box", SentAt: now, Revision: 1, Complete: true, Cameras: []cameraInfo{{
		ID: "yard", Title: "Yard", State: camera.Live, Since: now, FPS: 30, Width: 32, Height: 16, Renditions: []renditionInfo{{Name: camera.Main}, {Name: "preview", Width: 16, FPS: 5}},
	}}}
	whole, _ := json.Marshal(w)
	w.Cameras[0].State = camera.Paused
	paused, _ := json.Marshal(w)
	beats, _ := json.Marshal(announcement{Version: protocolVersion, Instance: testPublisher, SentAt: now, Revision: 2})
	gone, _ := json.Marshal(announcement{Version: protocolVersion, Instance: testPublisher, SentAt: now, Leaving: true})
	want, _ := json.Marshal(interest{Version: protocolVersion, Relay: testPublisher, Watch: map[string][]string{"yard": {"main", "preview", "no"}}, Fresh: map[string][]string{"yard": {"main"}}})
	pic := testJPEG(100)
	frame := func(seq, piece, pieces string, n int) []byte {
		h := "NATS/1.0\r\nCamd-From: " + testPublisher + "/1\r\nCamd-Seq: " + seq + "\r\nCamd-Time: 2026-11-27T12:00:00Z\r\nCamd-Size: 32x16\r\nCamd-State: live\r\n"
		if pieces != "1" {
			h += "Camd-Piece: " + piece + "/" + pieces + "\r\nCamd-Bytes: " + itoa(n) + "\r\n"
		}
		return []byte(h + "\r\n")
	}
	half := pieceSize(len(pic), 2)
	all := slices.Concat(fuzzMessage(fuzzAnnounce, whole, nil), fuzzMessage(fuzzFrame, frame("1", "1", "1", 0), pic), fuzzMessage(fuzzFrame, frame("3", "1", "1", 0), pic),
		fuzzMessage(fuzzFrame, frame("4", "1", "2", len(pic)), pic[:half]), fuzzMessage(fuzzFrame, frame("4", "2", "2", len(pic)), pic[half:]),
		fuzzMessage(fuzzFrame, frame("6", "1", "2", len(pic)), pic[:half]), fuzzMessage(fuzzFrame, frame("7", "1", "1", 0), pic[:40]),
		fuzzMessage(fuzzAnnounce, paused, nil), fuzzMessage(fuzzAnnounce, gone, nil), fuzzMessage(fuzzDuplicate, whole, nil), fuzzMessage(fuzzInterest, want, nil), fuzzMessage(fuzzInterest, []byte("{}"), nil))
	f.Add(all)
	f.Add(fuzzMessage(fuzzAnnounce, beats, nil))
	f.Add(fuzzMessage(fuzzFrame, frame("9", "2", "2", 1<<25), pic))
	f.Add(slices.Concat(fuzzMessage(fuzzAnnounce, whole, nil), fuzzMessage(fuzzFrame, frame("9", "1", "1", 0), nil)))
	f.Add(fuzzMessage(fuzzInterest, []byte(`{"v":2,"relay":"`+testPublisher+`","watch":{"yard":null,"":[""]}}`), nil))
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// FuzzMessage gives a site and a relay any messages of a hostile peer.
func FuzzMessage(f *testing.F) {
	addFuzzSeeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north", Relay: true})
		if err != nil {
			t.Fatal(err)
		}
		b.SetLocalCameras([]LocalCamera{newFakeCamera("yard", "preview")})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		messages := 0
		for rest := in; len(rest) > 0; messages++ {
			rest = b.handleFuzzMessage(rest)
		}
		b.localSite.announceChanges()
		b.relay.refresh()
		for _, c := range b.Cameras() {
			c.updateState(time.Now(), 0)
			c.publishPlaceholders(time.Now())
		}
		runtime.ReadMemStats(&after)
		// The relay draws a placeholder for a camera that is turned off. A picture in pieces is at most as large as its first piece says.
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(256<<20+messages*(1<<20)+2000*len(in)); got > most {
			t.Errorf("%d bytes in %d messages made the bus allocate %d", len(in), messages, got)
		}
		expectConsistent(t, b)
		b.localSite.announceLeaving()
		b.relay.endTopics()
	})
}

// handleFuzzMessage handles one message as if the connection had received it.
func (b *Bus) handleFuzzMessage(in []byte) (rest []byte) {
	kind, in := in[0]%fuzzKinds, in[1:]
	one := func() (s []byte) {
		if len(in) < 4 {
			in = nil
			return nil
		}
		n := min(int(binary.BigEndian.Uint32(in)), len(in)-4)
		s, in = in[4:4+n], in[4+n:]
		return s
	}
	first, second := one(), one()
	switch kind {
	case fuzzAnnounce:
		b.receiveNow(&nats.Msg{Subject: "camd.south", Data: first})
	case fuzzDuplicate:
		b.receiveNow(&nats.Msg{Subject: "camd.north", Data: first})
	case fuzzInterest:
		b.localSite.handleInterest(&nats.Msg{Subject: "camd.north.want", Data: first})
	case fuzzFrame:
		h, _ := nats.DecodeHeadersMsg(first)
		b.relay.updateSubscriptions()
		for _, s := range b.relay.sites {
			for _, c := range s.cameras {
				c.openReceiver(camera.Main).handleMessage(&nats.Msg{Header: h, Data: second})
			}
		}
	}
	return in
}

// expectConsistent checks the bus's state.
func expectConsistent(t *testing.T, b *Bus) {
	t.Helper()
	s := b.State()
	for _, in := range s.Received {
		if in.Passed != in.accountedFor() {
			t.Errorf("passed %d, accounted for %d", in.Passed, in.accountedFor())
		}
	}
	for _, c := range b.Cameras() {
		st := c.Status()
		for _, text := range []string{st.ID, st.Title, st.Detail} {
			for _, r := range text {
				if !unicode.IsPrint(r) {
					t.Errorf("%q is not printable", text)
				}
			}
		}
		topic, _ := c.Topic("")
		sub := topic.Subscribe(broker.InOrder)
		for f := sub.TryNext(); f != nil; f = sub.TryNext() {
			if _, err := jpeg.DecodeConfig(bytes.NewReader(f.Data)); err != nil && !isJPEGError(err) {
				t.Errorf("published an invalid picture: %v", err)
			}
			if time.Since(f.Captured) < 0 {
				t.Error("published a picture with a time in the future")
			}
		}
		sub.Close()
	}
}

// isJPEGError reports whether err is an error inside a picture with a correct structure, which mjpeg accepts.
func isJPEGError(err error) bool { _, is := err.(jpeg.FormatError); return is }

func TestAnnouncementsAreBounded(t *testing.T) {
	many := func(n int) []byte {
		w := announcement{Version: protocolVersion, Instance: testPublisher, Complete: true}
		for i := range n {
			w.Cameras = append(w.Cameras, cameraInfo{ID: "c" + itoa(i), State: camera.Live, Renditions: []renditionInfo{{Name: camera.Main}}})
		}
		b, _ := json.Marshal(w)
		return b
	}
	if _, err := parseAnnouncement(many(maxCamerasPerInstance)); err != nil {
		t.Errorf("%d cameras: %v", maxCamerasPerInstance, err)
	}
	for what, b := range map[string][]byte{
		"too many cameras":       many(maxCamerasPerInstance + 1),
		"another version":        []byte(`{"v":1,"instance":"` + testPublisher + `"}`),
		"no instance":            []byte(`{"v":2}`),
		"an instance with a dot": []byte(`{"v":2,"instance":"aaaa.aaaaaaa"}`),
		"no JSON":                []byte(`yes`),
		"a camera twice":         []byte(`{"v":2,"instance":"` + testPublisher + `","complete":true,"cameras":[{"id":"a","renditions":[{"name":"main"}]},{"id":"a","renditions":[{"name":"main"}]}]}`),
		"a wild card":            []byte(`{"v":2,"instance":"` + testPublisher + `","complete":true,"cameras":[{"id":"*","renditions":[{"name":"main"}]}]}`),
		"no main":                []byte(`{"v":2,"instance":"` + testPublisher + `","complete":true,"cameras":[{"id":"a","renditions":[{"name":"x"}]}]}`),
		"too long":               append([]byte(`{"v":2}`), make([]byte, maxMessage)...),
	} {
		if _, err := parseAnnouncement(b); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Relay: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range DefaultSites + 10 {
		b.receiveNow(&nats.Msg{Subject: "camd.s" + itoa(i), Data: many(1)})
	}
	if s := b.State(); s.Sites != DefaultSites || s.Refused[TooManySites] != 10 {
		t.Errorf("got %d sites and refused %v, want %d and 10", s.Sites, s.Refused, DefaultSites)
	}
}

func TestNewRejectsBadOptions(t *testing.T) {
	good := Options{URLs: []string{"nats://127.0.0.1:4222"}, Site: "north"}
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Site = "North" }, `site: must be 1 to 63 of a-z, 0-9 and "-", not "-" first`},
		{func(o *Options) { o.Site = "" }, "must have a site for its own cameras, or relay those of other sites"},
		{func(o *Options) { o.Prefix = "a.*" }, `prefix: "*" cannot be part of a NATS subject: must be 1 to 63 letters, digits, "-" and "_", with dots between the parts`},
		{func(o *Options) { o.URLs = nil }, "must have a server, such as nats://host:4222 or tls://host:4222"},
		{func(o *Options) { o.URLs = []string{"http://x"} }, `scheme must be nats or tls, is "http"`},
		{func(o *Options) { o.URLs = []string{"nats://u:secret@x"} }, "must have no user or password in the address"},
		{func(o *Options) { o.URLs = []string{"nats://u:sec ret@x"} }, "must be an address such as nats://host:4222 or tls://host:4222"},
	} {
		o := good
		c.change(&o)
		if _, err := New(o); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

func TestClockOffsetIsEstimated(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ off, want time.Duration }{{0, 0}, {300 * time.Millisecond, 0}, {time.Hour, time.Hour}, {-time.Hour, -time.Hour}} {
		var k clockOffset
		for _, way := range []time.Duration{50, 5, 20} {
			k.addSample(now.Add(-c.off-way*time.Millisecond), now)
		}
		if got := k.estimate(); (got - c.want).Abs() > 5*time.Millisecond {
			t.Errorf("clock is %v behind: got correction %v", c.off, got)
		}
	}
	if d := time.Since(localTime(now.Add(time.Hour), time.Now())); d < 0 || d > time.Minute {
		t.Errorf("a picture with a time in the future is %v old", d)
	}
}
