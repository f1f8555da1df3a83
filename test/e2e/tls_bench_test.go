package e2e

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"sync"
	"testing"

	"camd/internal/testpeer"
)

// BenchmarkTLS measures the daemon's CPU time for a frame to one of 100 viewers: plain, where senders serve them; encrypted over HTTP/1.1,
// a connection each; and over HTTP/2, ten to a connection. They take turns. An operation is a turn of each.
func BenchmarkTLS(b *testing.B) {
	const viewers, perConnection = 100, 10
	i := testpeer.Certificate{}.Make(b)
	const camera = "cameras:\n  - {id: a, source: 'test://?size=1280x720&fps=30', quality: 97}\n"
	plain := start(b, options{config: camera})
	secure := start(b, options{config: "tls: {certificate: " + i.File + ", key: " + i.Key + "}\n" + camera})
	ways := map[string]struct {
		d           *daemon
		connections int
		version2    bool
	}{"plain": {plain, viewers, false}, "tls-http1": {secure, viewers, false}, "tls-http2": {secure, viewers / perConnection, true}}
	costs, rates := map[string][]float64{}, map[string][]float64{}
	for b.Loop() {
		for name, w := range ways {
			cost, rate := w.d.measureCost(b, watchOverConnections(b, viewers, w.connections, w.version2))
			costs[name], rates[name] = append(costs[name], cost), append(rates[name], rate/viewers)
		}
	}
	_, _, picture := get(b, plain.URL+"/cameras/a/snapshot.jpg")
	b.ReportMetric(float64(len(picture))/1e3, "KB/frame")
	for name := range ways {
		b.ReportMetric(median(costs[name]), name+"-µs/frame")
		b.ReportMetric(median(rates[name]), name+"-fps")
		var ratios []float64
		for n, c := range costs[name] {
			ratios = append(ratios, c/costs["plain"][n])
		}
		b.ReportMetric(median(ratios), name+"-ratio")
	}
	b.ReportMetric(0, "ns/op")
}

// watchOverConnections watches camera a over a number of connections.
func watchOverConnections(b *testing.B, viewers, connections int, version2 bool) watcher {
	return func(d *daemon) (leave func()) {
		ctx, cancel := context.WithCancel(context.Background())
		var protocols http.Protocols
		protocols.SetHTTP1(!version2)
		protocols.SetHTTP2(version2)
		var done sync.WaitGroup
		var transports []*http.Transport
		for n := range viewers {
			if n < connections {
				transports = append(transports, &http.Transport{Protocols: &protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+"/cameras/a/stream.mjpg", nil)
			if err != nil {
				b.Fatal(err)
			}
			answer, err := transports[n%connections].RoundTrip(r)
			if err != nil {
				b.Fatal(err)
			}
			done.Go(func() {
				defer answer.Body.Close()
				_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, answer.Body, make([]byte, 64<<10))
			})
		}
		return func() {
			cancel()
			done.Wait()
			for _, t := range transports {
				t.CloseIdleConnections()
			}
		}
	}
}
