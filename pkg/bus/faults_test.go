package bus

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"camd/internal/peer"
	"camd/pkg/camera"
)

// cluster starts three servers that know of each other.
func cluster(t testing.TB) (nodes []*server.Server) {
	t.Helper()
	var first *url.URL
	for i := range 3 {
		n := engine(t, func(o *server.Options) {
			o.ServerName = fmt.Sprintf("node-%d", i)
			o.Cluster = server.ClusterOpts{Name: "camd", Host: "127.0.0.1", Port: -1}
			if first != nil {
				o.Routes = []*url.URL{first}
			}
		})
		if first == nil {
			first = &url.URL{Scheme: "nats", Host: n.ClusterAddr().String()}
		}
		nodes = append(nodes, n)
	}
	peer.Until(t, "the cluster", func() bool {
		for _, n := range nodes {
			if n.NumRoutes() < 2 {
				return false
			}
		}
		return true
	})
	return nodes
}

func TestServerThatARelayHangsOnIsKilled(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	yard, site, _ := pairAt(t, nodes[0].ClientURL(), nodes[0].ClientURL())
	// It is told of one server, and learns of the others from it.
	relay, _ := start(t, Options{URLs: []string{nodes[1].ClientURL()}, Relay: true})
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(50_000).Seq
	v.next(false)
	stop := yard.play(t, 50_000, 20*time.Millisecond)
	v.next(false)
	killed := time.Now()
	nodes[1].Shutdown()
	peer.Until(t, "another server", func() bool { s := relay.State(); return s.Connected && s.Reconnects > 0 })
	for f := v.next(false); !f.Captured.After(killed); f = v.next(false) {
	}
	t.Logf("live again %v after the server's end", time.Since(killed))
	stop()
	arrival(t, yard, relay)
	accounts(t, yard, first, site, relay)
}

func TestSiteBehindALeafNode(t *testing.T) {
	t.Parallel()
	port := peer.FreePort(t)
	hub := engine(t, func(o *server.Options) { o.LeafNode = server.LeafNodeOpts{Host: "127.0.0.1", Port: port} })
	leaf := engine(t, func(o *server.Options) {
		o.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", port)}}}}
		o.LeafNode.ReconnectInterval = 50 * time.Millisecond
	})
	peer.Until(t, "the leaf node", func() bool { return hub.NumLeafNodes() == 1 })
	yard, site, relay := pairAt(t, leaf.ClientURL(), hub.ClientURL())
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(3 << 20).Seq
	v.next(false)
	arrival(t, yard, relay)
	accounts(t, yard, first, site, relay)
}

func TestPartitionIsToldAndMended(t *testing.T) {
	t.Parallel()
	nats := engine(t).ClientURL()
	far := peer.Between(t, nats)
	yard, site, relay := pairAt(t, nats, far.URL)
	c := find(t, relay, "north.yard", camera.Live)
	v := watch(t, c, camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(20_000).Seq
	v.next(false)
	stop := yard.play(t, 20_000, 20*time.Millisecond)
	v.next(false)
	far.Poison("timeout", `"timeout": 0`) // nothing comes any more, and nothing says so
	v.next(true)
	if s := find(t, relay, "north.yard", camera.Offline).Status(); s.Reason != camera.Unreachable || !strings.Contains(s.Detail, "bus") {
		t.Errorf("got %s, %q", s.Reason, s.Detail)
	}
	far.Cure()
	v.next(false)
	find(t, relay, "north.yard", camera.Live)
	stop()
	arrival(t, yard, relay)
	accounts(t, yard, first, site, relay)
}

func TestSlowLinkDropsAndDoesNotQueue(t *testing.T) {
	t.Parallel()
	nats := engine(t).ClientURL()
	far := peer.Between(t, nats)
	yard, site, fast := pairAt(t, nats, nats)
	slow, _ := start(t, Options{URLs: []string{far.URL}, Relay: true})
	v := watch(t, find(t, slow, "north.yard", camera.Live), camera.Main)
	w := watch(t, find(t, fast, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(100_000).Seq
	v.next(false)
	w.next(false)
	far.Poison("bandwidth", `"rate": 500`) // KB/s, a sixth of what there is
	stop := yard.play(t, 100_000, 33*time.Millisecond)
	// The server would hold tens of seconds for it.
	peer.Until(t, "the slow relay to leave its queue", func() bool { return slow.State().Left > 0 })
	left := time.Now()
	for f := v.next(false); !f.Captured.After(left); f = v.next(false) {
	}
	stop()
	arrival(t, yard, fast)
	accounts(t, yard, first, site, fast)
	far.Cure()
	arrival(t, yard, slow)
	accounts(t, yard, first, site, slow)
	if in, out := cameIn(fast, "north.yard", camera.Main), wentOut(site, "yard", camera.Main); in.Dropped[Lost] != out.sum()-out.Frames {
		t.Errorf("the fast relay suffers: of %+v it got %+v", out, in)
	}
}

func TestSlowUplinkDropsAtTheSite(t *testing.T) {
	t.Parallel()
	nats := engine(t).ClientURL()
	near := peer.Between(t, nats)
	yard, site, relay := pairAt(t, near.URL, nats)
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(1000).Seq
	v.next(false)
	near.PoisonUpstream("bandwidth", `"rate": 500`)
	stop := yard.play(t, 1<<20, 33*time.Millisecond)
	for range 3 {
		v.next(false)
	}
	stop()
	s := wentOut(site, "yard", camera.Main)
	if s.Dropped[Overtaken] == 0 {
		t.Errorf("got %+v, want frames overtaken", s)
	}
	near.Cure()
	arrival(t, yard, relay)
	accounts(t, yard, first, site, relay)
}

// allowed is a configuration of Debian's server that knows the users named.
func allowed(users ...string) string {
	var b strings.Builder
	for _, u := range users {
		fmt.Fprintf(&b, "{user: %s, password: secret-of-%s}\n", u, u)
	}
	return "authorization { users: [\n" + b.String() + "] }\n"
}

func TestCredentialsRevokedAndGivenBack(t *testing.T) {
	t.Parallel()
	nats := peer.ServeNATS(t, allowed("north", "relay"))
	yard := newLocal("yard")
	site, _ := start(t, Options{URLs: []string{nats.URL}, Site: "north", Account: Account{User: "north", Password: "secret-of-north"}})
	site.Offer([]Source{yard})
	relay, _ := start(t, Options{URLs: []string{nats.URL}, Relay: true, Account: Account{User: "relay", Password: "secret-of-relay"}})
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(1000).Seq
	v.next(false)
	stop := yard.play(t, 1000, 10*time.Millisecond)
	for _, left := range []string{"north", "relay"} {
		nats.Reload(allowed(left))
		v.next(true)
		b := map[string]*Bus{"north": relay, "relay": site}[left]
		peer.Until(t, "the refusal to be told", func() bool { return strings.Contains(b.State().Problem, "refuses this user") })
		if p := b.State().Problem; strings.Contains(p, "secret") {
			t.Errorf("a secret in %q", p)
		}
		nats.Reload(allowed("north", "relay"))
		v.next(false)
		peer.Until(t, "no problem", func() bool { return b.State().Problem == "" })
	}
	stop()
	arrival(t, yard, relay)
	accounts(t, yard, first, site, relay)
}

func TestServerIsKilledAndStarted(t *testing.T) {
	t.Parallel()
	nats := peer.ServeNATS(t, "")
	yard, site, relay := pairAt(t, nats.URL, nats.URL)
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return wentOut(site, "yard", camera.Main).Watched })
	first := yard.publish(1000).Seq
	v.next(false)
	stop := yard.play(t, 200_000, 10*time.Millisecond)
	for _, end := range []func(){nats.Kill, nats.Hang} {
		end()
		v.next(true)
		nats.Kill()
		nats.Start()
		v.next(false)
	}
	stop()
	arrival(t, yard, relay)
	accounts(t, yard, first, site, relay)
}
