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

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

// instanceEnv makes this test binary an instance that publishes at a server: pictures of 100 KB, 30 a second.
const instanceEnv = "CAMD_BUS_TEST_BOX_AT"

func runBox(url string) {
	yard := newFakeCamera("yard")
	b, err := New(Options{URLs: []string{url}, Site: "north"})
	if err != nil {
		panic(err)
	}
	b.SetLocalCameras([]LocalCamera{yard})
	go b.Run(context.Background())
	for range time.Tick(time.Second / 30) {
		yard.publish(100_000)
	}
}

// BenchmarkInstanceCost measures the CPU time of an instance while 0, 1 and 500 viewers at two relays watch its camera.
func BenchmarkInstanceCost(b *testing.B) {
	for _, viewers := range []int{0, 1, 2, 500} {
		b.Run(fmt.Sprint(viewers), func(b *testing.B) {
			url := testpeer.ServeNATS(b, "").URL
			instance := exec.Command(os.Args[0])
			instance.Env = append(os.Environ(), instanceEnv+"="+url)
			instance.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := instance.Start(); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = instance.Process.Kill(); _ = instance.Wait() }()
			var watching sync.WaitGroup
			ctx, stop := context.WithCancel(context.Background())
			defer func() { stop(); watching.Wait() }()
			for i := range 2 {
				relay, _ := startBus(b, Options{URLs: []string{url}, Relay: true, Log: zap.NewNop()})
				topic, _ := waitCamera(b, relay, "north.yard", camera.Live).Topic(camera.Main)
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
					testrun.WaitFor(b, "pictures", func() bool { return topic.Published() > 30 })
				}
			}
			proc, err := procfs.NewProc(instance.Process.Pid)
			if err != nil {
				b.Fatal(err)
			}
			cpu := func() float64 { s, _ := proc.Stat(); return s.CPUTime() }
			begun, before := time.Now(), cpu()
			for b.Loop() {
				time.Sleep(100 * time.Millisecond) // of the instance's time; nothing here is waited for
			}
			b.ReportMetric((cpu()-before)/time.Since(begun).Seconds()*1000, "instance-ms/s")
		})
	}
}

// BenchmarkInterests measures what the interests of many relays cost a site. Each relay repeats its own every two seconds.
func BenchmarkInterests(b *testing.B) {
	for _, relays := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(relays), func(b *testing.B) {
			f := newLocalSite(Options{Site: "north", Log: zap.NewNop()}, "BOX0123456789", &connection{}, func(string) {})
			var cameras []LocalCamera
			watch := map[string][]string{}
			for i := range 8 {
				id := fmt.Sprint("c", i)
				cameras = append(cameras, newFakeCamera(id, "preview"))
				watch[id] = []string{camera.Main}
			}
			f.setCameras(cameras)
			var said []*nats.Msg
			for i := range relays {
				w, _ := json.Marshal(interest{Version: protocolVersion, Relay: fmt.Sprintf("RELAY%08d", i), Watch: watch})
				said = append(said, &nats.Msg{Data: w})
				f.handleInterest(said[i])
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w, _ := parseInterest(said[i%relays].Data)
				f.setInterest(w, time.Now())
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)*float64(relays)/announcementInterval.Seconds()/10_000, "%-of-a-core")
			f.announceLeaving()
		})
	}
}

// BenchmarkRelayRefresh measures the time of one refresh of a relay that knows many unwatched cameras, and the memory that each takes.
func BenchmarkRelayRefresh(b *testing.B) {
	for _, sites := range []int{2, 20} {
		b.Run(fmt.Sprint(sites*500), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r := newLimitedRelay(b, SiteLimits{Cameras: 10_000}).relay
			var cameras []string
			for i := range 500 {
				cameras = append(cameras, fmt.Sprint("c", i))
			}
			for i := range sites {
				r.handleAnnouncement(fmt.Sprint("site", i), announce(testInstance(i), cameras, "preview"), time.Now())
			}
			r.refresh()
			runtime.GC()
			runtime.ReadMemStats(&after)
			for b.Loop() {
				r.refresh()
				for _, c := range *r.list.Load() {
					c.updateState(time.Now(), 0)
					c.needsPlaceholder(time.Now())
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(sites*500), "B/camera")
		})
	}
}
