package e2e

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"camd/internal/testpeer"
)

// The limits of TestRelayIsBoundedUnderFlood. Before camd had limits on the bus, a relay with 6,000 forged sites took 1131 MB of memory,
// 95 MB of metrics and 12,290 log lines.
const (
	maxFloodMemory   = 150e6
	maxFloodMetrics  = 4 << 20
	maxFloodLogLines = 200
)

// forgedCamera returns a camera of an announcement. A large one has as much text and as many renditions as a relay reads.
func forgedCamera(id string, large bool) map[string]any {
	renditions := []map[string]any{{"name": "main"}, {"name": "preview", "width": 640, "fps": 5}}
	text := "Camera " + id
	if large {
		text = strings.Repeat("long text ", 50)
		for i := len(renditions); i < 17; i++ {
			renditions = append(renditions, map[string]any{"name": fmt.Sprintf("%s-%02d", strings.Repeat("r", 60), i), "width": 640})
		}
	}
	return map[string]any{"id": id, "title": text, "detail": text, "codec": text, "state": "live", "since": time.Now(), "held_seconds": 1e9, "renditions": renditions}
}

// forgedCameras returns the rest of an announcement, a list of n cameras. An @ in their names stands for the instance.
func forgedCameras(n int, large bool) string {
	cameras := make([]map[string]any, n)
	for i := range cameras {
		cameras[i] = forgedCamera(fmt.Sprintf("c%d-@", i), large)
	}
	b, err := json.Marshal(map[string]any{"revision": 1, "complete": true, "sent_at": time.Now(), "cameras": cameras})
	if err != nil {
		panic(err) // all values are valid in JSON
	}
	return string(b[1:])
}

// forgedID returns the ID of a camd instance that does not exist.
func forgedID(i int) string { return fmt.Sprintf("FORGED%08d", i) }

// forgedAnnouncements returns announcements of n instances, one at each site or all at one.
func forgedAnnouncements(n int, site, cameras string) iter.Seq[*nats.Msg] {
	return func(yield func(*nats.Msg) bool) {
		for i := range n {
			subject := "camd." + site
			if site == "" {
				subject += fmt.Sprint("forged", i)
			}
			if !yield(&nats.Msg{Subject: subject, Data: []byte(`{"v":2,"instance":"` + forgedID(i) + `","host":"` + forgedID(i) + `",` + strings.ReplaceAll(cameras, "@", fmt.Sprint(i)))}) {
				return
			}
		}
	}
}

// forgedPieces returns n pieces of pictures of the maximum size. The last piece of each picture is missing.
func forgedPieces(n int, instance string) iter.Seq[*nats.Msg] {
	piece := make([]byte, 1<<20-1024)
	return func(yield func(*nats.Msg) bool) {
		for i := range n {
			h := nats.Header{"Camd-From": {instance + "/99"}, "Camd-Seq": {fmt.Sprint(1 + i/7)}, "Camd-Time": {time.Now().UTC().Format(time.RFC3339Nano)},
				"Camd-Size": {"320x180"}, "Camd-State": {"live"}, "Camd-Piece": {fmt.Sprintf("%d/8", 1+i%7)}, "Camd-Bytes": {fmt.Sprint(8 * len(piece))}}
			if !yield(&nats.Msg{Subject: "camd.north.gate.main", Header: h, Data: piece}) {
				return
			}
		}
	}
}

// forgedInterests returns the interests of n forged relays, each in as many cameras as a message has room for.
func forgedInterests(n int) iter.Seq[*nats.Msg] {
	watch := map[string][]string{"gate": {"main"}}
	for i := range 1000 {
		watch[fmt.Sprint("c", i)] = []string{"main", strings.Repeat("r", 63), strings.Repeat("s", 63)}
	}
	b, err := json.Marshal(map[string]any{"watch": watch, "fresh": watch})
	if err != nil {
		panic(err) // all values are valid in JSON
	}
	return func(yield func(*nats.Msg) bool) {
		for i := range n {
			if !yield(&nats.Msg{Subject: "camd.north.want", Data: []byte(`{"v":2,"relay":"` + forgedID(i) + `",` + string(b[1:]))}) {
				return
			}
		}
	}
}

// floods are the messages of a hostile publisher. instance is the honest site's camd.
var floods = []struct {
	name     string
	messages func(instance string) iter.Seq[*nats.Msg]
}{
	{"6,000 sites", func(string) iter.Seq[*nats.Msg] { return forgedAnnouncements(6000, "", forgedCameras(1, false)) }},
	{"6,000 sites with large texts", func(string) iter.Seq[*nats.Msg] { return forgedAnnouncements(6000, "", forgedCameras(1, true)) }},
	{"6,000 cameras of one site", func(string) iter.Seq[*nats.Msg] { return forgedAnnouncements(15, "forged", forgedCameras(400, false)) }},
	{"6,000 large cameras of one site", func(string) iter.Seq[*nats.Msg] { return forgedAnnouncements(30, "forged", forgedCameras(200, true)) }},
	{"200 announcements of 0.8 MB", func(string) iter.Seq[*nats.Msg] { return forgedAnnouncements(200, "", forgedCameras(250, true)) }},
	{"6,000 instances of an honest site", func(string) iter.Seq[*nats.Msg] { return forgedAnnouncements(6000, "north", forgedCameras(1, true)) }},
	{"pieces of pictures that are never complete", func(instance string) iter.Seq[*nats.Msg] { return forgedPieces(300, instance) }},
	{"frames of another instance", func(string) iter.Seq[*nats.Msg] { return forgedPieces(300, forgedID(0)) }},
	{"interests of 2,000 relays", func(string) iter.Seq[*nats.Msg] { return forgedInterests(2000) }},
}

// A relay under a flood keeps its memory, metrics and log small, and still gets an honest site's pictures and states.
func TestRelayIsBoundedUnderFlood(t *testing.T) {
	for _, flood := range floods {
		t.Run(flood.name, func(t *testing.T) {
			server := testpeer.ServeNATS(t, "")
			attacker, err := nats.Connect(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer attacker.Close()
			listener, err := attacker.SubscribeSync("camd.north")
			if err != nil {
				t.Fatal(err)
			}
			north := start(t, options{config: busConfig(server, "north", "gate:20")})
			relay := startRelay(t, busConfig(server, ""))
			north.waitForState("gate", "live")
			relay.waitForCameras("north.gate")
			v := watch(t, relay.URL+"/cameras/north.gate/stream.mjpg")
			n, _ := v.waitFor("a live picture", isLive).frameNumber()
			before := relay.peakMemory()

			for m := range flood.messages(waitForInstance(t, listener)) {
				if err := attacker.PublishMsg(m); err != nil {
					t.Fatal(err)
				}
			}
			if err := attacker.FlushTimeout(testTimeout); err != nil {
				t.Fatal(err)
			}
			v.waitFor("pictures after the flood", func(p picture) bool { later, ok := p.frameNumber(); return ok && later > n+40 })
			north.patchCamera("gate", `{"paused": true}`)
			relay.waitForState("north.gate", "paused")
			north.patchCamera("gate", `{"paused": false}`)
			relay.waitForState("north.gate", "live")
			v.waitFor("a live picture", isLive)

			eventually(t, "the forged sites to be silent", func() bool { return relay.metric("camd_bus_sites") == 1 })
			relay.checkBounded(t, before)
			peak := north.peakMemory()
			t.Logf("the site took %.0f MB of memory", peak/1e6)
			if peak > maxFloodMemory {
				t.Errorf("the site took %.0f MB of memory, want at most %.0f", peak/1e6, maxFloodMemory/1e6)
			}
		})
	}
}

// waitForInstance waits for an announcement and returns the name of the camd instance that sent it.
func waitForInstance(t *testing.T, listener *nats.Subscription) string {
	t.Helper()
	m, err := listener.NextMsg(testTimeout)
	if err != nil {
		t.Fatal(err)
	}
	var announced struct{ Instance string }
	if err := json.Unmarshal(m.Data, &announced); err != nil || announced.Instance == "" {
		t.Fatalf("%s: %v", m.Data, err)
	}
	return announced.Instance
}

// checkBounded checks memory, metrics and log after a flood. before is the memory before it.
func (d *daemon) checkBounded(t *testing.T, before float64) {
	t.Helper()
	_, _, metrics := get(t, d.URL+"/metrics")
	lines, peak := strings.Count(d.stderr.String(), "\n"), d.peakMemory()
	refused := 0.0
	for reason, n := range d.seriesWithPrefix("camd_bus_messages_refused_total") {
		if refused += n; n > 0 {
			t.Logf("%s %v", reason, n)
		}
	}
	t.Logf("memory %.0f → %.0f MB, metrics %.2f MB, %d log lines, %v messages refused", before/1e6, peak/1e6, float64(len(metrics))/1e6, lines, refused)
	if peak > maxFloodMemory {
		t.Errorf("%.0f MB of memory, want at most %.0f", peak/1e6, maxFloodMemory/1e6)
	}
	if len(metrics) > maxFloodMetrics {
		t.Errorf("%d bytes of metrics, want at most %d", len(metrics), maxFloodMetrics)
	}
	if lines > maxFloodLogLines {
		t.Errorf("%d log lines, want at most %d", lines, maxFloodLogLines)
	}
}

var peakMemoryPattern = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory returns the maximum resident memory that camd has had, in bytes.
func (d *daemon) peakMemory() float64 {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "status"))
	if err != nil {
		d.t.Fatal(err)
	}
	m := peakMemoryPattern.FindSubmatch(b)
	if m == nil {
		d.t.Fatalf("no VmHWM in %s", b)
	}
	kB, _ := strconv.ParseFloat(string(m[1]), 64)
	return kB * 1024
}
