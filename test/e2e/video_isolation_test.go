package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/pion/rtp"

	"camd/internal/testpeer"
)

// sendUntilClosed calls write with more and more bytes until the connection fails.
func sendUntilClosed(write func([]byte) (int, error), what string) {
	block := []byte(strings.Repeat(what, 1+(16<<10)/len(what)))
	for {
		if _, err := write(block); err != nil {
			return
		}
	}
}

// hostileServers are servers of RTSP that do their worst. Each counts its visitors.
func hostileServers(t *testing.T, visits map[string]*atomic.Int64) (urls map[string]string) {
	t.Helper()
	urls = map[string]string{}
	raw := func(name string, answer func(net.Conn)) {
		n := visits[name]
		c := &testpeer.RTSPCamera{Answer: func(r *testpeer.RTSPConn, _ *base.Request) *base.Response {
			n.Add(1)
			answer(r)
			_ = r.Close()
			return nil
		}}
		urls[name] = "rtsp://" + c.Serve(t) + "/cam"
	}
	raw("garbage", func(c net.Conn) {
		b := make([]byte, 1<<16)
		_, _ = rand.Read(b)
		_, _ = c.Write(b)
	})
	raw("endless-header", func(c net.Conn) {
		_, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\nCSeq: 1\r\nX: ")
		sendUntilClosed(c.Write, "a")
	})
	raw("endless-headers", func(c net.Conn) {
		_, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n")
		sendUntilClosed(c.Write, "X: y\r\n")
	})
	raw("endless-body", func(c net.Conn) {
		_, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 4000000000\r\n\r\nv=0\r\n")
		sendUntilClosed(c.Write, "a=x\r\n")
	})
	raw("slow", func(c net.Conn) {
		pace := time.NewTicker(100 * time.Millisecond)
		defer pace.Stop()
		for _, err := io.WriteString(c, "RTSP/1.0 200 OK\r\nX: "); err == nil; _, err = c.Write([]byte("a")) {
			<-pace.C
		}
	})
	clip := loadClips(t, numberedClip{})
	plays := func(name string, play func(*testpeer.RTSPConn)) {
		n := visits[name]
		c := &videoCamera{clip: clip, sets: inSDP}
		c.Description = c.describe(t)
		c.Play = func(r *testpeer.RTSPConn) { n.Add(1); play(r) }
		urls[name] = "rtsp://" + c.Serve(t) + "/cam"
	}
	plays("random-packets", func(r *testpeer.RTSPConn) { playRandomPackets(r) })
	plays("endless-unit", func(r *testpeer.RTSPConn) { playEndlessUnit(r) })
	plays("random-frames-on-the-connection", func(r *testpeer.RTSPConn) {
		b := make([]byte, 1<<14)
		for {
			_, _ = rand.Read(b)
			if _, err := r.Write(b); err != nil {
				return
			}
		}
	})
	plays("silent", func(r *testpeer.RTSPConn) {
		for range r.Requests { // until camd leaves
		}
	})
	return urls
}

// playRandomPackets sends RTP packets with random payloads.
func playRandomPackets(r *testpeer.RTSPConn) {
	payload := make([]byte, 1000)
	for n := uint16(0); ; n++ {
		_, _ = rand.Read(payload)
		p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: n, Timestamp: uint32(n) * 300, Marker: n%7 == 0}, Payload: payload}
		if r.SendRTP(p) != nil {
			return
		}
	}
}

// playEndlessUnit sends one NAL unit without end, in fragments (RFC 6184, section 5.8).
func playEndlessUnit(r *testpeer.RTSPConn) {
	payload := append([]byte{0x7C, 0x85}, bytes.Repeat([]byte{0x55}, 1200)...) // FU-A: the beginning of an IDR slice
	for n := uint16(0); ; n++ {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: n, Timestamp: 1}, Payload: payload}
		if r.SendRTP(p) != nil {
			return
		}
		payload[1] = 0x05 // neither beginning nor end
	}
}

// Hostile servers of RTSP cost at most their own cameras: another camera's pictures go on without a gap of a second, by the numbers that the
// camera gives them 25 times a second.
func TestHostileRTSPServersDisturbNoOtherCamera(t *testing.T) {
	t.Parallel()
	visits := map[string]*atomic.Int64{}
	for _, name := range []string{"garbage", "endless-header", "endless-headers", "endless-body", "slow", "random-packets", "endless-unit",
		"random-frames-on-the-connection", "silent"} {
		visits[name] = new(atomic.Int64)
	}
	good := &videoCamera{clip: loadClips(t, numberedClip{Frames: 1500})}
	config := longWriteTimeout + fmt.Sprintf("cameras:\n  - {id: good, source: '%s', stall_timeout: 2m}\n", good.serve(t))
	urls := hostileServers(t, visits)
	for name := range visits {
		config += fmt.Sprintf("  - {id: %s, source: '%s', stall_timeout: 1s, open_timeout: 2s}\n", name, urls[name])
	}
	d := start(t, options{config: config})
	d.waitForState("good", "live")
	v := watchVideo(t, d.videoURL("good"), clipSize)
	const random = "random-packets" // may be frames of H.264: camd passes them on without decoding, and stays connected
	visited := func() bool {
		for name, n := range visits {
			if n.Load() == 0 || n.Load() < 2 && name != random {
				return false
			}
		}
		return true
	}
	end := good.position() + 10*clipRate
	t.Cleanup(func() {
		for name, n := range visits {
			t.Logf("%s: %d visits", name, n.Load())
		}
	})
	v.readUntil("two visits of each server", func(uint32) bool { return visited() && good.position() > end })
	for i, missing := range gaps(v.numbers, good.loopLength()) {
		if missing > clipRate {
			t.Errorf("%d pictures are missing behind number %d", missing, v.numbers[i])
		}
	}
	for name, n := range visits {
		if s := d.camera(name); s.State == "live" && name != random {
			t.Errorf("%s is live after %d visits", name, n.Load())
		}
	}
}

// The process that reads the cameras crashes. All cameras come back, and their viewers stay connected.
func TestCamerasComeBackAfterReadersCrash(t *testing.T) {
	t.Parallel()
	var sources []videoSource
	for i := range 4 {
		sources = append(sources, videoSource{id: fmt.Sprint("c", i), camera: &videoCamera{clip: loadClips(t, numberedClip{Frames: 1500})}})
	}
	d := startVideoSources(t, sources)
	var viewers []*videoViewer
	for _, s := range sources {
		v := watchVideo(t, d.videoURL(s.id), clipSize)
		v.read(10)
		viewers = append(viewers, v)
	}
	pid := childWithArgument(d.cmd.Process.Pid, "readers")
	if pid == 0 {
		t.Fatal("no process of readers")
	}
	if err := testpeer.Signal(pid, syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	for i, s := range sources {
		eventually(t, "a second connection to "+s.id, func() bool { return s.camera.connected.Load() >= 2 })
		loop, crashed := s.camera.loopLength(), s.camera.position()
		viewers[i].readUntil("a picture after the crash", func(n uint32) bool { return (int(n)-crashed%loop+loop)%loop < loop/2 })
		viewers[i].read(50)
		d.waitForState(s.id, "live")
	}
	if now := childWithArgument(d.cmd.Process.Pid, "readers"); now == 0 || now == pid {
		t.Errorf("the process of readers is %d, was %d", now, pid)
	}
}

// A camera that is turned off sends nothing to anybody: its viewers stay connected and get nothing, and new ones get nothing from before.
func TestPausedVideoIsUnreachable(t *testing.T) {
	t.Parallel()
	camera := &videoCamera{clip: loadClips(t, numberedClip{Frames: 1500})}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	v := watchVideo(t, d.videoURL("a"), clipSize)
	v.read(50)
	d.patchCamera("a", `{"paused": true}`)
	paused, loop := camera.position(), camera.loopLength()
	during := requestVideo(t, d.videoURL("a"))
	eventually(t, "three seconds of the camera", func() bool { return camera.position() > paused+3*clipRate })
	if hasVideo(during) {
		t.Error("a new viewer gets video of a camera that is turned off")
	}
	resumed := camera.position()
	d.patchCamera("a", `{"paused": false}`)
	// A picture that was in flight when the camera was turned off may still come.
	isFrom := func(n uint32, from, to int) bool { return (int(n)-from%loop+loop)%loop < to-from }
	first := v.readUntil("a picture after the pause", func(n uint32) bool {
		if isFrom(n, paused+1, resumed) {
			t.Errorf("picture %d was taken while the camera was off, from %d to %d", n, paused%loop, resumed%loop)
		}
		return isFrom(n, resumed, resumed+loop/2)
	})
	if got := watchVideo(t, d.videoURL("a"), clipSize).read(1)[0]; !isFrom(got, int(first), int(first)+loop/2) && !isFrom(got, resumed, resumed+loop/2) {
		t.Errorf("a new viewer begins with picture %d, from before picture %d", got, first)
	}
}

// A camera that is lost and comes back continues on the same connection.
func TestVideoContinuesAfterALoss(t *testing.T) {
	t.Parallel()
	camera := &videoCamera{clip: loadClips(t, numberedClip{Frames: 1500})}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	v := watchVideo(t, d.videoURL("a"), clipSize)
	for range 2 {
		v.read(50)
		camera.turnOff()
		d.waitForCamera("a", "lost", func(s state) bool { return s.State != "live" })
		back, loop := camera.position(), camera.loopLength()
		camera.turnOn()
		v.readUntil("a picture after the loss", func(n uint32) bool { return (int(n)-back%loop+loop)%loop < loop/2 })
	}
	v.read(50)
}
