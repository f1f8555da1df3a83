package bus

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// newTestRelay returns a relay without a connection, for announcements of the test.
func newTestRelay(t testing.TB) *relay {
	t.Helper()
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Relay: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.relay.endTopics)
	return b.relay
}

// openReceiver returns the receiver of a rendition, as if a viewer had asked for it.
func (c *Camera) openReceiver(rendition string) *receiver {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receiver(rendition)
}

// testInstance returns the name of the nth instance.
func testInstance(n int) string { return fmt.Sprintf("RUN%08d", n) }

// announce returns a complete announcement of an instance, with these cameras and these renditions besides main.
func announce(instance string, cameras []string, renditions ...string) announcement {
	w := announcement{Version: protocolVersion, Instance: instance, SentAt: time.Now(), Revision: 1, Complete: true}
	for _, id := range cameras {
		t := cameraInfo{ID: id, Title: id, State: camera.Live, Renditions: []renditionInfo{{Name: camera.Main}}}
		for _, r := range renditions {
			t.Renditions = append(t.Renditions, renditionInfo{Name: r})
		}
		w.Cameras = append(w.Cameras, t)
	}
	return w
}

// listCameras refreshes the relay and returns the ids of its cameras.
func (r *relay) listCameras(t *testing.T) (ids []string) {
	t.Helper()
	r.refresh()
	for _, c := range *r.list.Load() {
		ids = append(ids, c.ID())
	}
	return ids
}

// A camd in a container has another host name at each start. Its earlier instances must not block the next one.
func TestNewInstanceReplacesSilentOne(t *testing.T) {
	r, now := newTestRelay(t), time.Now()
	for i := range 3 * maxInstances {
		now = now.Add(time.Minute)
		w := announce(testInstance(i), []string{"yard"})
		w.Host = testInstance(i)
		r.handleAnnouncement("north", w, now)
		if b := r.sites["north"].instances[testInstance(i)]; b == nil || !b.complete {
			t.Fatalf("the announcement of start %d was not accepted", i)
		}
		r.handleAnnouncement("north", announcement{Version: protocolVersion, Instance: testInstance(i), Host: w.Host, SentAt: now, Revision: 1, Leaving: true}, now)
	}
	if n := len(r.sites["north"].instances); n > maxInstances {
		t.Errorf("%d instances are known, want at most %d", n, maxInstances)
	}
	if got, want := r.listCameras(t), []string{"north.yard"}; !slices.Equal(got, want) || r.cameras > maxInstances {
		t.Errorf("got cameras %q and %d cameras of instances, want %q", got, r.cameras, want)
	}
}

// Cameras that a restarted camd no longer has end, and so do all cameras of a site that has been silent for a day.
func TestCamerasEndWithTheirInstance(t *testing.T) {
	r, now := newTestRelay(t), time.Now()
	before := announce(testInstance(1), []string{"yard", "hall"})
	before.Host = "box"
	r.handleAnnouncement("north", before, now.Add(-time.Minute))
	r.listCameras(t)
	hall := r.sites["north"].cameras["hall"].openReceiver(camera.Main).topic
	after := announce(testInstance(2), []string{"yard"})
	after.Host = "box"
	r.handleAnnouncement("north", announcement{Version: protocolVersion, Instance: after.Instance, Host: "box", SentAt: now, Revision: 1}, now)
	r.listCameras(t)
	r.handleAnnouncement("north", after, now)
	if got, want := r.listCameras(t), []string{"north.yard"}; !slices.Equal(got, want) || !topicEnded(hall) {
		t.Errorf("got cameras %q, want %q; topic of the removed camera ended: %v", got, want, topicEnded(hall))
	}

	yard := r.sites["north"].cameras["yard"].openReceiver(camera.Main).topic
	r.sites["north"].instances[after.Instance].lastSeen = now.Add(-25 * time.Hour)
	if got := r.listCameras(t); len(got) > 0 || !topicEnded(yard) || r.cameras != 0 {
		t.Errorf("got cameras %q and %d cameras of instances, want none; topic ended: %v", got, r.cameras, topicEnded(yard))
	}
}

// A site of several instances may have more cameras than one instance.
func TestInterestInAllCamerasOfLargeSite(t *testing.T) {
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
	if err != nil {
		t.Fatal(err)
	}
	yard := newFakeCamera("yard")
	b.SetLocalCameras([]LocalCamera{yard})
	defer b.localSite.announceLeaving()
	w := interest{Version: protocolVersion, Relay: testInstance(1), Watch: map[string][]string{"yard": {camera.Main}}}
	for i := range maxCamerasPerSite - 1 {
		w.Watch[fmt.Sprint("c", i)] = []string{camera.Main}
	}
	data, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	b.localSite.handleInterest(&nats.Msg{Data: data})
	if n := b.State().Refused; len(n) > 0 || !sentStream(b, "yard", camera.Main).Watched {
		t.Errorf("refused %v, and sent nothing", n)
	}
}

// An announcement that is too large for the server is reported as a problem, until the server accepts one.
func TestOversizeAnnouncementIsReported(t *testing.T) {
	t.Parallel()
	nats := testpeer.ServeNATS(t, "max_payload: 1024\n")
	site, _ := startBus(t, Options{URLs: []string{nats.URL}, Site: "north"})
	var many []LocalCamera
	for i := range 50 {
		many = append(many, newFakeCamera(fmt.Sprint("c", i)))
	}
	site.SetLocalCameras(many)
	testrun.WaitFor(t, "the reported problem", func() bool {
		return strings.Contains(site.State().Problem, "an announcement of 50 cameras exceeds max_payload")
	})
	site.SetLocalCameras(many[:1])
	testrun.WaitFor(t, "the end of the problem", func() bool { return site.State().Problem == "" })
}

// A server may repeat what camd has sent. camd does not show the secrets in it.
func TestServerErrorDoesNotShowSecrets(t *testing.T) {
	t.Parallel()
	for _, a := range []Account{{User: "u", Password: `ca"na<ry`}, {Token: `ca"na<ry`}} {
		address := testpeer.ServeRaw(t, func(c net.Conn) {
			fmt.Fprint(c, `INFO {"server_id":"x","version":"2.9.0","proto":1,"max_payload":1024,"auth_required":true}`+"\r\n")
			in := bufio.NewReader(c)
			line, _ := in.ReadString('\n')
			fmt.Fprintf(c, "-ERR 'no: %s ca\"na<ry\x1b[31m'\r\n", strings.TrimSpace(line))
			_, _ = in.ReadString('\n')
			_, _ = in.ReadString(0) // until camd closes the connection
		})
		b, _ := startBus(t, Options{URLs: []string{"nats://" + address}, Relay: true, Account: a})
		testrun.WaitFor(t, "the reported problem", func() bool { return strings.Contains(b.State().Problem, "no: ") })
		if p := b.State().Problem; strings.Contains(p, "na<ry") || strings.Contains(p, `na\u003cry`) || strings.Contains(p, "\x1b") {
			t.Errorf("%q", p)
		}
	}
}

// Without a connection no relay can repeat its interest. Frames of watched streams are still counted for interestRetention.
func TestInterestsOutliveLostConnection(t *testing.T) {
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
	if err != nil {
		t.Fatal(err)
	}
	b.SetLocalCameras([]LocalCamera{newFakeCamera("yard")})
	defer b.localSite.announceLeaving()
	data, err := json.Marshal(interest{Version: protocolVersion, Relay: testInstance(1), Watch: map[string][]string{"yard": {camera.Main}}})
	if err != nil {
		t.Fatal(err)
	}
	b.localSite.handleInterest(&nats.Msg{Data: data})
	holds := func() bool {
		b.localSite.announceChanges()
		return len(b.localSite.interests) == 1
	}
	b.localSite.interests[testInstance(1)].until = time.Now().Add(-time.Second)
	b.connection.since = time.Now()
	if !holds() {
		t.Error("interest was removed while there was no connection")
	}
	b.localSite.extendInterests()
	b.connection.isUp = true
	if !holds() {
		t.Error("interest was removed right after the reconnect")
	}
	b.localSite.interests[testInstance(1)].until = time.Now().Add(-time.Second)
	b.connection.isUp, b.connection.since = false, time.Now().Add(-interestRetention)
	if holds() {
		t.Error("interest was kept without limit")
	}
}
