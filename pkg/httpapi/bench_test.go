package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

// BenchmarkDelivery is the way of a frame from Publish to every viewer's socket, through the real server: allocations
// and bytes are of the whole process, its viewers included, which read without allocating.
func BenchmarkDelivery(b *testing.B) {
	for _, size := range []int{20_000, 100_000} {
		for _, viewers := range []int{10, 100} {
			b.Run(fmt.Sprintf("%dKB/%d", size/1000, viewers), func(b *testing.B) { benchDelivery(b, size, viewers) })
		}
	}
}

func benchDelivery(b *testing.B, size, viewers int) {
	cam := newTestCamera("a")
	part, jpeg := media.NewPart(make([]byte, size), time.Now())
	f := broker.Frame{Captured: time.Now(), Key: true, Wire: part, Data: jpeg}
	s := New(Options{Config: Config{Cameras: map[string]Camera{"a": cam}, Order: []string{"a"}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx, l) }()
	defer func() { cancel(); <-served }()

	var got atomic.Int64
	for range viewers {
		resp, err := http.Get("http://" + l.Addr().String() + "/cameras/a/stream.mjpg")
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		go func() {
			buf := make([]byte, 256<<10)
			for {
				n, err := resp.Body.Read(buf)
				got.Add(int64(n))
				if err != nil {
					return
				}
			}
		}()
	}
	target := int64(viewers * len(media.Preamble))
	publish := func() {
		cam.topic.Publish(f)
		target += int64(viewers * len(part))
		for got.Load() < target {
			runtime.Gosched()
		}
	}
	for range 100 {
		publish()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for b.Loop() {
		publish()
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	frames := float64(b.N * viewers)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/frames, "ns/frame/viewer")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/frames, "allocs/frame/viewer")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/frames, "B/frame/viewer")
}

// BenchmarkSample measures one sample of the history, which is taken every two seconds: a hundred cameras with a thousand viewers each.
func BenchmarkSample(b *testing.B) {
	cameras := map[string]Camera{}
	for i := range 100 {
		id := fmt.Sprintf("camera-%d", i)
		cameras[id] = newTestCamera(id)
	}
	s := New(Options{Config: Config{Cameras: cameras, Limits: Limits{Viewers: 100_000}}})
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	for id := range cameras {
		for range 1000 {
			v := viewers.New(viewers.Key{Camera: id, Rendition: "main", Transport: "http1"}, r, false)
			v.CountSent(&broker.Frame{Captured: v.Since}, v.Since.Add(time.Millisecond))
			if err := s.viewers.Add(v, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		s.sample(now)
	}
}
