package bus

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// cluster starts three servers that know each other.
func cluster(t testing.TB) (nodes []*server.Server) {
	t.Helper()
	var first *url.URL
	for i := range 3 {
		n := startServer(t, func(o *server.Options) {
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
	testrun.WaitFor(t, "the cluster", func() bool {
		for _, n := range nodes {
			if n.NumRoutes() < 2 {
				return false
			}
		}
		return true
	})
	return nodes
}

func TestRelayMovesToAnotherServer(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	yard, site, _ := startPair(t, nodes[0].ClientURL(), nodes[0].ClientURL())
	// The site is configured with one server, and learns the others from it.
	relay, _ := startBus(t, Options{URLs: []string{nodes[1].ClientURL()}, Relay: true})
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(50_000).Seq
	v.next(false)
	stop := yard.play(t, 50_000, 20*time.Millisecond)
	v.next(false)
	killed := time.Now()
	nodes[1].Shutdown()
	testrun.WaitFor(t, "another server", func() bool { s := relay.State(); return s.Connected && s.Reconnects > 0 })
	for f := v.next(false); !f.Captured.After(killed); f = v.next(false) {
	}
	t.Logf("live again %v after the server's end", time.Since(killed))
	stop()
	waitLastFrame(t, yard, relay)
	expectEveryFrameCounted(t, yard, first, site, relay)
}

func TestLeafNodeCarriesFrames(t *testing.T) {
	t.Parallel()
	port := testpeer.FreePort(t)
	hub := startServer(t, func(o *server.Options) { o.LeafNode = server.LeafNodeOpts{Host: "127.0.0.1", Port: port} })
	leaf := startServer(t, func(o *server.Options) {
		o.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", port)}}}}
		o.LeafNode.ReconnectInterval = 50 * time.Millisecond
	})
	testrun.WaitFor(t, "the leaf node", func() bool { return hub.NumLeafNodes() == 1 })
	yard, site, relay := startPair(t, leaf.ClientURL(), hub.ClientURL())
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(3 << 20).Seq
	v.next(false)
	waitLastFrame(t, yard, relay)
	expectEveryFrameCounted(t, yard, first, site, relay)
}

func TestPartitionIsReportedAndRecovers(t *testing.T) {
	t.Parallel()
	nats := startServer(t).ClientURL()
	far := testpeer.ServeFaultProxy(t, nats)
	yard, site, relay := startPair(t, nats, far.URL)
	c := waitCamera(t, relay, "north.yard", camera.Live)
	v := watchTopic(t, c, camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(20_000).Seq
	v.next(false)
	stop := yard.play(t, 20_000, 20*time.Millisecond)
	v.next(false)
	far.AddFault("timeout", `"timeout": 0`) // data stops without a closed connection
	v.next(true)
	if s := waitCamera(t, relay, "north.yard", camera.Offline).Status(); s.Reason != camera.Unreachable || !strings.Contains(s.Detail, "bus") {
		t.Errorf("got %s, %q", s.Reason, s.Detail)
	}
	far.ClearFaults()
	v.next(false)
	waitCamera(t, relay, "north.yard", camera.Live)
	stop()
	waitLastFrame(t, yard, relay)
	expectEveryFrameCounted(t, yard, first, site, relay)
}

func TestSlowLinkDropsAndDoesNotQueue(t *testing.T) {
	t.Parallel()
	nats := startServer(t).ClientURL()
	far := testpeer.ServeFaultProxy(t, nats)
	yard, site, fast := startPair(t, nats, nats)
	slow, _ := startBus(t, Options{URLs: []string{far.URL}, Relay: true})
	v := watchTopic(t, waitCamera(t, slow, "north.yard", camera.Live), camera.Main)
	w := watchTopic(t, waitCamera(t, fast, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(100_000).Seq
	v.next(false)
	w.next(false)
	far.AddFault("bandwidth", `"rate": 500`) // KB/s, a sixth of the stream
	stop := yard.play(t, 100_000, 33*time.Millisecond)
	// The server would queue pictures of tens of seconds.
	testrun.WaitFor(t, "the slow relay to reconnect", func() bool { return slow.State().SlowReconnects > 0 })
	left := time.Now()
	for f := v.next(false); !f.Captured.After(left); f = v.next(false) {
	}
	stop()
	waitLastFrame(t, yard, fast)
	expectEveryFrameCounted(t, yard, first, site, fast)
	far.ClearFaults()
	waitLastFrame(t, yard, slow)
	expectEveryFrameCounted(t, yard, first, site, slow)
	if in, out := receivedStream(fast, "north.yard", camera.Main), sentStream(site, "yard", camera.Main); in.Dropped[Lost] != out.accountedFor()-out.Frames {
		t.Errorf("the fast relay lost pictures: sent %+v, received %+v", out, in)
	}
}

func TestSlowUplinkDropsAtTheSite(t *testing.T) {
	t.Parallel()
	nats := startServer(t).ClientURL()
	near := testpeer.ServeFaultProxy(t, nats)
	yard, site, relay := startPair(t, near.URL, nats)
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(1000).Seq
	v.next(false)
	near.AddUpstreamFault("bandwidth", `"rate": 500`)
	stop := yard.play(t, 1<<20, 33*time.Millisecond)
	for range 3 {
		v.next(false)
	}
	stop()
	s := sentStream(site, "yard", camera.Main)
	if s.Dropped[Overtaken] == 0 {
		t.Errorf("got %+v, want frames overtaken", s)
	}
	near.ClearFaults()
	waitLastFrame(t, yard, relay)
	expectEveryFrameCounted(t, yard, first, site, relay)
}

// serverConfig returns a configuration of Debian's server with the users named.
func serverConfig(users ...string) string {
	var b strings.Builder
	for _, u := range users {
		fmt.Fprintf(&b, "{user: %s, password: secret-of-%s}\n", u, u)
	}
	return "authorization { users: [\n" + b.String() + "] }\n"
}

func TestRevokedCredentialsRecover(t *testing.T) {
	t.Parallel()
	nats := testpeer.ServeNATS(t, serverConfig("north", "relay"))
	yard := newFakeCamera("yard")
	site, _ := startBus(t, Options{URLs: []string{nats.URL}, Site: "north", Account: Account{User: "north", Password: "secret-of-north"}})
	site.SetLocalCameras([]LocalCamera{yard})
	relay, _ := startBus(t, Options{URLs: []string{nats.URL}, Relay: true, Account: Account{User: "relay", Password: "secret-of-relay"}})
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(1000).Seq
	v.next(false)
	stop := yard.play(t, 1000, 10*time.Millisecond)
	for _, left := range []string{"north", "relay"} {
		nats.Reload(serverConfig(left))
		v.next(true)
		b := map[string]*Bus{"north": relay, "relay": site}[left]
		testrun.WaitFor(t, "the reported refusal", func() bool { return strings.Contains(b.State().Problem, "refuses the credentials") })
		if p := b.State().Problem; strings.Contains(p, "secret") {
			t.Errorf("the problem contains a secret: %q", p)
		}
		nats.Reload(serverConfig("north", "relay"))
		v.next(false)
		testrun.WaitFor(t, "no problem", func() bool { return b.State().Problem == "" })
	}
	stop()
	waitLastFrame(t, yard, relay)
	expectEveryFrameCounted(t, yard, first, site, relay)
}

func TestServerRestartRecovers(t *testing.T) {
	t.Parallel()
	nats := testpeer.ServeNATS(t, "")
	yard, site, relay := startPair(t, nats.URL, nats.URL)
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	first := yard.publish(1000).Seq
	v.next(false)
	stop := yard.play(t, 200_000, 10*time.Millisecond)
	for _, end := range []func(){nats.Kill, nats.Suspend} {
		end()
		v.next(true)
		nats.Kill()
		nats.Start()
		v.next(false)
	}
	stop()
	waitLastFrame(t, yard, relay)
	expectEveryFrameCounted(t, yard, first, site, relay)
}
