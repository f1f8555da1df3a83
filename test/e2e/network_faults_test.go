package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"camd/internal/testpeer"
)

// networkFaults are faults of a network. Their attributes are random.
var networkFaults = []struct{ kind, attributes string }{
	{"latency", `"latency": %d, "jitter": 100`},
	{"bandwidth", `"rate": %d`},                                          // KB/s
	{"slicer", `"average_size": %d, "size_variation": 10, "delay": 200`}, // more than the size makes toxiproxy panic
	{"timeout", `"timeout": %d`},                                         // ms of silence, then the end
	{"reset_peer", `"timeout": %d`},                                      // ms until a reset
	{"limit_data", `"bytes": %d`},                                        // until the end
}

// Networks fail in random order under forty viewers. Each camera is live again when its network is, no viewer is disconnected, and
// every picture can be decoded.
func TestNetworkFaultsDisconnectNoViewer(t *testing.T) {
	servers := []*testpeer.FaultProxy{
		testpeer.ServeFaultProxy(t, testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264}).URL()),
		testpeer.ServeFaultProxy(t, testpeer.ServeHTTP(t, testpeer.MJPEG)),
	}
	config := longWriteTimeout + "log: {level: warn}\ncameras:\n"
	for i, s := range servers {
		config += fmt.Sprintf("  - {id: cam%d, source: '%s', open_timeout: 10s, stall_timeout: 1s}\n", i, s.URL)
	}
	d := start(t, options{config: config})
	ctx, cancel := context.WithCancel(t.Context())
	var viewers sync.WaitGroup
	var pictures atomic.Uint64
	for i := range 40 {
		viewers.Go(func() {
			if err := readAndDecode(ctx, fmt.Sprintf("%s/cameras/cam%d/stream.mjpg", d.URL, i%len(servers)), &pictures); ctx.Err() == nil {
				t.Errorf("a viewer was lost: %v", err)
			}
		})
	}
	r := rand.New(rand.NewPCG(testpeer.Seed(t), 0))
	for range 12 {
		at := r.IntN(len(servers))
		id, f := "cam"+itoa(at), networkFaults[r.IntN(len(networkFaults))]
		before := d.waitForState(id, "live").Counts.Captured
		servers[at].AddFault(f.kind, fmt.Sprintf(f.attributes, 10+r.IntN(1000)))
		// The fault lasts until the camera is not live, or has delivered 30 more pictures.
		d.waitForCamera(id, "affected by "+f.kind+", or not,", func(s state) bool {
			return s.State != "live" || s.Counts.Captured > before+30
		})
		servers[at].ClearFaults()
		before = d.camera(id).Counts.Captured
		d.waitForCamera(id, "live after "+f.kind, func(s state) bool { return s.State == "live" && s.Counts.Captured > before })
	}
	cancel()
	viewers.Wait()
	t.Logf("%d pictures", pictures.Load())
}

// readAndDecode reads a stream to its end and decodes one picture in 16.
func readAndDecode(ctx context.Context, url string, pictures *atomic.Uint64) error {
	v, err := openStream(ctx, url)
	if err != nil {
		return err
	}
	defer v.body.Close()
	for {
		p, err := v.read()
		if err != nil {
			return err
		}
		if n := pictures.Add(1); n%16 != 0 { // decoding is slow with the race detector
			continue
		}
		if _, err := jpeg.Decode(bytes.NewReader(p.jpeg)); err != nil {
			return err
		}
	}
}
