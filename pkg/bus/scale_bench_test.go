package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/procfs"
	"go.uber.org/zap"

	"camd/internal/peer"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

// boxAt makes this test binary a box that publishes at a server: pictures of 100 KB, 30 a second.
const boxAt = "CAMD_BUS_TEST_BOX_AT"

func runBox(url string) {
	yard := newLocal("yard")
	b, err := New(Options{URLs: []string{url}, Site: "north"})
	if err != nil {
		panic(err)
	}
	b.Offer([]Source{yard})
	go b.Run(context.Background())
	for range time.Tick(time.Second / 30) {
		yard.publish(100_000)
	}
}

// BenchmarkBoxCost measures the processor time of a box while 0, 1 and 500 viewers at two relays watch its camera.
func BenchmarkBoxCost(b *testing.B) {
	for _, viewers := range []int{0, 1, 2, 500} {
		b.Run(fmt.Sprint(viewers), func(b *testing.B) {
			url := peer.ServeNATS(b, "").URL
			box := exec.Command(os.Args[0])
			box.Env = append(os.Environ(), boxAt+"="+url)
			box.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := box.Start(); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = box.Process.Kill(); _ = box.Wait() }()
			var watching sync.WaitGroup
			ctx, stop := context.WithCancel(context.Background())
			defer func() { stop(); watching.Wait() }()
			for i := range 2 {
				relay, _ := start(b, Options{URLs: []string{url}, Relay: true, Log: zap.NewNop()})
				topic, _ := find(b, relay, "north.yard", camera.Live).Topic(camera.Main)
				for n := i; n < viewers; n += 2 {
					sub := topic.Subscribe(broker.Latest)
					watching.Go(func() {
						defer sub.Close()
						for {
							if _, err := sub.Next(ctx); err != nil {
								return
							}
						}
					})
				}
				if i < viewers {
					peer.Until(b, "pictures", func() bool { return topic.Published() > 30 })
				}
			}
			proc, err := procfs.NewProc(box.Process.Pid)
			if err != nil {
				b.Fatal(err)
			}
			cpu := func() float64 { s, _ := proc.Stat(); return s.CPUTime() }
			begun, before := time.Now(), cpu()
			for b.Loop() {
				time.Sleep(100 * time.Millisecond) // of the box's time; nothing here is waited for
			}
			b.ReportMetric((cpu()-before)/time.Since(begun).Seconds()*1000, "box-ms/s")
		})
	}
}

// BenchmarkWishes measures what relays that watch cost a site: each says so every two seconds.
func BenchmarkWishes(b *testing.B) {
	for _, relays := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(relays), func(b *testing.B) {
			f := newOffers(Options{Site: "north", Log: zap.NewNop()}, "BOX0123456789", &link{}, func(string) {})
			var cameras []Source
			watch := map[string][]string{}
			for i := range 8 {
				id := fmt.Sprint("c", i)
				cameras = append(cameras, newLocal(id, "preview"))
				watch[id] = []string{camera.Main}
			}
			f.set(cameras)
			var said []*nats.Msg
			for i := range relays {
				w, _ := json.Marshal(wish{Version: version, Relay: fmt.Sprintf("RELAY%08d", i), Watch: watch})
				said = append(said, &nats.Msg{Data: w})
				f.wish(said[i])
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w, _ := readWish(said[i%relays].Data)
				f.take(w, time.Now())
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)*float64(relays)/beat.Seconds()/10_000, "%-of-a-core")
			f.leave()
		})
	}
}

// BenchmarkLook measures what it costs a relay every glance that it knows so many cameras of which nobody watches one, and of each the
// memory, without what serves it.
func BenchmarkLook(b *testing.B) {
	for _, sites := range []int{2, 20} {
		b.Run(fmt.Sprint(sites*500), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r := relayOf(b, SiteLimits{Cameras: 10_000}).relay
			var cameras []string
			for i := range 500 {
				cameras = append(cameras, fmt.Sprint("c", i))
			}
			for i := range sites {
				r.hear(fmt.Sprint("site", i), has(instance(i), cameras, "preview"), time.Now())
			}
			r.look()
			runtime.GC()
			runtime.ReadMemStats(&after)
			for b.Loop() {
				r.look()
				for _, c := range *r.list.Load() {
					c.judge(time.Now(), 0)
					c.lacking(time.Now())
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(sites*500), "B/camera")
		})
	}
}
