package testpeer

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// FaultProxy is a TCP proxy that adds network faults to its connections.
type FaultProxy struct {
	URL string // the URL of the server, through the proxy

	t      testing.TB
	server string // host:port
	proxy  *toxiproxy.Proxy
}

// ServeFaultProxy puts a proxy in front of the server of a URL, until the test ends.
func ServeFaultProxy(t testing.TB, address string) *FaultProxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	f := &FaultProxy{t: t, server: u.Host}
	f.start(fmt.Sprintf("127.0.0.1:%d", FreePort(t))) // a fixed port, which ClearFaults needs again
	t.Cleanup(func() { f.proxy.Stop() })
	u.Host = f.proxy.Listen
	f.URL = u.String()
	return f
}

func (f *FaultProxy) start(listen string) {
	f.t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	f.proxy = toxiproxy.NewProxy(api, "camera", listen, f.server)
	if err := f.proxy.Start(); err != nil {
		f.t.Fatal(err)
	}
}

// AddFault adds a fault to the data from the server: latency, bandwidth, slicer, timeout, reset_peer or limit_data. attributes are the
// members of a JSON object.
func (f *FaultProxy) AddFault(kind, attributes string) {
	f.t.Helper()
	f.addFault("downstream", kind, attributes)
}

// AddUpstreamFault adds a fault to the data to the server.
func (f *FaultProxy) AddUpstreamFault(kind, attributes string) {
	f.t.Helper()
	f.addFault("upstream", kind, attributes)
}

func (f *FaultProxy) addFault(stream, kind, attributes string) {
	f.t.Helper()
	toxic := fmt.Sprintf(`{"name": %[1]q, "type": %[1]q, "stream": %[3]q, "toxicity": 1, "attributes": {%[2]s}}`, kind, attributes, stream)
	if _, err := f.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		f.t.Fatal(err)
	}
}

// ClearFaults removes all faults and closes their connections. The proxy would leak a goroutine if a fault were removed from an open
// connection.
func (f *FaultProxy) ClearFaults() {
	f.t.Helper()
	listen := f.proxy.Listen
	f.proxy.Stop()
	f.start(listen)
}

// FaultProxyLeaks returns the goroutines that goleak must ignore. The proxy leaks them if a connection ends while a fault holds data back.
func FaultProxyLeaks() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
	}
}
