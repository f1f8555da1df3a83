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

	"camd/internal/peer"
	"camd/pkg/camera"
)

// listener is a relay without a connection, which hears what a test lets it hear.
func listener(t testing.TB) *relay {
	t.Helper()
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Relay: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.relay.end)
	return b.relay
}

// stream returns a rendition's stream, as if somebody had asked for it.
func (c *Camera) stream(rendition string) *inlet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inlet(rendition)
}

// instance is the name of the nth run of a camd.
func instance(n int) string { return fmt.Sprintf("RUN%08d", n) }

// has is the word of a box that has cameras with such renditions beside main.
func has(box string, cameras []string, renditions ...string) word {
	w := word{Version: version, Box: box, Now: time.Now(), Revision: 1, Whole: true}
	for _, id := range cameras {
		t := told{ID: id, Title: id, State: camera.Live, Renditions: []toldRendition{{Name: camera.Main}}}
		for _, r := range renditions {
			t.Renditions = append(t.Renditions, toldRendition{Name: r})
		}
		w.Cameras = append(w.Cameras, t)
	}
	return w
}

// lists returns the cameras that the relay has, after a look.
func (r *relay) lists(t *testing.T) (ids []string) {
	t.Helper()
	r.look()
	for _, c := range *r.list.Load() {
		ids = append(ids, c.ID())
	}
	return ids
}

// A camd in a container has another host's name at each start: the runs that are over must not keep the next one out.
func TestManyStartsOfOneSite(t *testing.T) {
	r, now := listener(t), time.Now()
	for i := range 3 * mostBoxes {
		now = now.Add(time.Minute)
		w := has(instance(i), []string{"yard"})
		w.Host = instance(i)
		r.hear("north", w, now)
		if b := r.sites["north"].boxes[instance(i)]; b == nil || !b.whole {
			t.Fatalf("start %d is not heard", i)
		}
		r.hear("north", word{Version: version, Box: instance(i), Host: w.Host, Now: now, Revision: 1, Gone: true}, now)
	}
	if n := len(r.sites["north"].boxes); n > mostBoxes {
		t.Errorf("%d boxes are known, want at most %d", n, mostBoxes)
	}
	if got, want := r.lists(t), []string{"north.yard"}; !slices.Equal(got, want) || r.cameras > mostBoxes {
		t.Errorf("%q and %d cameras of boxes, want %q", got, r.cameras, want)
	}
}

// What a run of camd had and its successor has not is gone, as is all of a site that is silent for a day; readers come to the end.
func TestCamerasEndWithTheBoxThatHadThem(t *testing.T) {
	r, now := listener(t), time.Now()
	before := has(instance(1), []string{"yard", "hall"})
	before.Host = "box"
	r.hear("north", before, now.Add(-time.Minute))
	r.lists(t)
	hall := r.sites["north"].cameras["hall"].stream(camera.Main).topic
	after := has(instance(2), []string{"yard"})
	after.Host = "box"
	r.hear("north", word{Version: version, Box: after.Box, Host: "box", Now: now, Revision: 1}, now)
	r.lists(t)
	r.hear("north", after, now)
	if got, want := r.lists(t), []string{"north.yard"}; !slices.Equal(got, want) || !ended(hall) {
		t.Errorf("%q, want %q; readers of the other are at the end: %v", got, want, ended(hall))
	}

	yard := r.sites["north"].cameras["yard"].stream(camera.Main).topic
	r.sites["north"].boxes[after.Box].heard = now.Add(-25 * time.Hour)
	if got := r.lists(t); len(got) > 0 || !ended(yard) || r.cameras != 0 {
		t.Errorf("%q and %d cameras of boxes are left; readers are at the end: %v", got, r.cameras, ended(yard))
	}
}

// A site of several boxes may have more cameras than one box.
func TestWishForAllCamerasOfALargeSite(t *testing.T) {
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
	if err != nil {
		t.Fatal(err)
	}
	yard := newLocal("yard")
	b.Offer([]Source{yard})
	defer b.offers.leave()
	w := wish{Version: version, Relay: instance(1), Watch: map[string][]string{"yard": {camera.Main}}}
	for i := range mostOfSite - 1 {
		w.Watch[fmt.Sprint("c", i)] = []string{camera.Main}
	}
	data, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	b.offers.wish(&nats.Msg{Data: data})
	if n := b.State().Refused; len(n) > 0 || !wentOut(b, "yard", camera.Main).Watched {
		t.Errorf("refused %v, and nothing is sent", n)
	}
}

// A list that the server does not take is told, and no more once it takes it.
func TestListLargerThanAMessage(t *testing.T) {
	t.Parallel()
	nats := peer.ServeNATS(t, "max_payload: 1024\n")
	site, _ := start(t, Options{URLs: []string{nats.URL}, Site: "north"})
	var many []Source
	for i := range 50 {
		many = append(many, newLocal(fmt.Sprint("c", i)))
	}
	site.Offer(many)
	peer.Until(t, "it to be told", func() bool {
		return strings.Contains(site.State().Problem, "the list of 50 cameras is larger than max_payload")
	})
	site.Offer(many[:1])
	peer.Until(t, "it to be over", func() bool { return site.State().Problem == "" })
}

// A server may repeat what it was sent. Nobody reads it from camd.
func TestServerThatRepeatsWhatItWasSent(t *testing.T) {
	t.Parallel()
	for _, a := range []Account{{User: "u", Password: `ca"na<ry`}, {Token: `ca"na<ry`}} {
		address := peer.ServeRaw(t, func(c net.Conn) {
			fmt.Fprint(c, `INFO {"server_id":"x","version":"2.9.0","proto":1,"max_payload":1024,"auth_required":true}`+"\r\n")
			in := bufio.NewReader(c)
			line, _ := in.ReadString('\n')
			fmt.Fprintf(c, "-ERR 'no: %s ca\"na<ry\x1b[31m'\r\n", strings.TrimSpace(line))
			_, _ = in.ReadString('\n')
			_, _ = in.ReadString(0) // until camd hangs up
		})
		b, _ := start(t, Options{URLs: []string{"nats://" + address}, Relay: true, Account: a})
		peer.Until(t, "what it says", func() bool { return strings.Contains(b.State().Problem, "no: ") })
		if p := b.State().Problem; strings.Contains(p, "na<ry") || strings.Contains(p, `na\u003cry`) || strings.Contains(p, "\x1b") {
			t.Errorf("%q", p)
		}
	}
}

// Without a connection no relay can say again what it wants; what it watches goes on being counted, for a while.
func TestWishesOutliveALostConnection(t *testing.T) {
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
	if err != nil {
		t.Fatal(err)
	}
	b.Offer([]Source{newLocal("yard")})
	defer b.offers.leave()
	data, err := json.Marshal(wish{Version: version, Relay: instance(1), Watch: map[string][]string{"yard": {camera.Main}}})
	if err != nil {
		t.Fatal(err)
	}
	b.offers.wish(&nats.Msg{Data: data})
	holds := func() bool {
		b.offers.look()
		return len(b.offers.wishes) == 1
	}
	b.offers.wishes[instance(1)].until = time.Now().Add(-time.Second)
	b.link.since = time.Now()
	if !holds() {
		t.Error("forgotten while it cannot be heard")
	}
	b.offers.renew()
	b.link.up = true
	if !holds() {
		t.Error("forgotten as soon as it can be heard again")
	}
	b.offers.wishes[instance(1)].until = time.Now().Add(-time.Second)
	b.link.up, b.link.since = false, time.Now().Add(-deafness)
	if holds() {
		t.Error("it is kept for ever")
	}
}
