package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// BenchmarkWallVideoOfGo2RTC measures what BenchmarkWallVideo does for camd: the CPU time of go2rtc for each frame that it sends to viewers of
// its MSE player, which has a connection for each camera. It subtracts the time with one viewer of each camera, because go2rtc reads a
// camera only while somebody watches. CAMD_TEST_GO2RTC is the path of the program; without it the benchmark is skipped.
func BenchmarkWallVideoOfGo2RTC(b *testing.B) {
	const cameras, walls = 16, 20
	program := os.Getenv("CAMD_TEST_GO2RTC")
	if program == "" {
		b.Skip("set CAMD_TEST_GO2RTC to the path of go2rtc")
	}
	sub, _ := startFiguresCamerasAt(b, gridClip(b), gridRate)
	address := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(b))
	config := "api: {listen: '" + address + "'}\nrtsp: {listen: ''}\nwebrtc: {listen: ''}\nlog: {level: warn}\nstreams:\n"
	for i := range cameras {
		config += fmt.Sprintf("  c%d: %s\n", i, sub)
	}
	p, err := testrun.Start(exec.Command(program, "-config", write(b, b.TempDir(), "go2rtc.yaml", config)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Kill)
	s := videoServer{pid: p.Cmd.Process.Pid}
	eventually(b, "go2rtc serves", func() bool {
		resp, err := streamClient.Get("http://" + address + "/api")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	for b.Loop() {
		var frames atomic.Uint64
		leaveOne := watchGo2RTC(b, address, 1, cameras, &frames)
		one, oneRate := s.coresAndRate(b, &frames)
		leaveRest := watchGo2RTC(b, address, walls-1, cameras, &frames)
		all, allRate := s.coresAndRate(b, &frames)
		b.ReportMetric(one, "one-core")
		b.ReportMetric(all, "core")
		b.ReportMetric((all-one)*1e6/(allRate-oneRate), "µs/frame")
		b.ReportMetric(allRate/(walls*cameras), "fps/camera")
		b.ReportMetric(treeMemory(b, s.pid), "MB")
		leaveRest()
		leaveOne()
	}
	b.ReportMetric(0, "ns/op")
}

// coresAndRate returns the CPU time of the process tree as a share of a processor, and the frames that arrive in a second.
func (s videoServer) coresAndRate(b *testing.B, frames *atomic.Uint64) (cores, rate float64) {
	b.Helper()
	settle()
	begin, before := time.Now(), frames.Load()
	cores = s.allCores(b)
	return cores, float64(frames.Load()-before) / time.Since(begin).Seconds()
}

// watchGo2RTC connects viewers, each with a connection for every camera. It returns when each connection has had ten messages. A message has a
// frame, except the first two of a connection.
func watchGo2RTC(b *testing.B, address string, viewers, cameras int, frames *atomic.Uint64) (leave func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var reading, begun sync.WaitGroup
	for n := range viewers * cameras {
		conn, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://%s/api/ws?src=c%d", address, n%cameras), nil)
		if err != nil {
			b.Fatal(err)
		}
		conn.SetReadLimit(-1)
		request := `{"type": "mse", "value": "` + strings.Join([]string{highH264, "avc1.640029", "avc1.42e01e"}, ",") + `"}`
		if err := conn.Write(ctx, websocket.MessageText, []byte(request)); err != nil {
			b.Fatal(err)
		}
		begun.Add(1)
		reading.Go(func() {
			defer conn.CloseNow()
			for seen := 0; ; seen++ {
				_, _, err := conn.Read(ctx)
				if seen == 10 || err != nil && seen < 10 {
					begun.Done()
				}
				if err != nil {
					return
				}
				frames.Add(1)
			}
		})
	}
	begun.Wait()
	return func() { cancel(); reading.Wait() }
}
