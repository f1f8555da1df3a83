package e2e

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// BenchmarkServerFanOut measures the CPU time of a NATS server for a picture that it delivers to 1 to 100 relays, each with its own
// connection and subscription. An operation is a picture, five a second; use -benchtime 100x for useful figures.
func BenchmarkServerFanOut(b *testing.B) {
	for _, size := range []int{20_000, 100_000} {
		for _, relays := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%dKBx%d", size/1000, relays), func(b *testing.B) {
				server := natsCluster(b, 1)[0]
				var delivered atomic.Int64
				for range relays {
					conn := dialNATS(b, server.URL)
					if _, err := conn.Subscribe("camd.north.gate.main", func(*nats.Msg) { delivered.Add(1) }); err != nil {
						b.Fatal(err)
					}
					if err := conn.Flush(); err != nil {
						b.Fatal(err)
					}
				}
				publisher, frame := dialNATS(b, server.URL), make([]byte, size)
				pace := time.NewTicker(200 * time.Millisecond)
				defer pace.Stop()
				before, n := processorTime(b, server.PID()), 0
				for b.Loop() {
					<-pace.C
					if err := publisher.Publish("camd.north.gate.main", frame); err != nil {
						b.Fatal(err)
					}
					n++
				}
				want := int64(n * relays)
				eventually(b, "all pictures", func() bool { return delivered.Load() == want })
				used := processorTime(b, server.PID()) - before
				b.ReportMetric(float64(used.Microseconds())/float64(want), "server-µs/delivery")
				b.ReportMetric(float64(used.Microseconds())/float64(n), "server-µs/picture")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func dialNATS(b *testing.B, url string) *nats.Conn {
	b.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	return conn
}
