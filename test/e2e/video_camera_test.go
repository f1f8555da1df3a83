package e2e

import (
	"cmp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"camd/internal/testpeer"
	"camd/pkg/media/fmp4"
)

// Where a camera has its parameter sets.
const (
	inSDP     = 1 << iota
	inBand    // in the access unit of each keyframe
	separated // in RTP packets of their own, with the marker
)

// videoCamera is an RTSP camera that plays a clip at its own rate, in an endless loop. All readers share its clock. A reader that connects
// later begins in the middle of a group of pictures, as with a real camera. A zero field is left out.
type videoCamera struct {
	testpeer.RTSPCamera
	clip *videoClip
	sets int // where the parameter sets are; default inSDP
	rate int // frames per second, a divisor of clipRate, which is the default

	loses      func(packet int) bool // whether packet n of a connection is lost
	closeAfter int                   // close each connection after that number of frames
	stepAt     int                   // at this frame of each connection, the clocks jump
	rtpStep    uint32                // in ticks
	ntpStep    time.Duration

	begin     time.Time
	units     [][]*rtp.Packet // of each frame
	isOff     atomic.Bool     // neither accepts readers nor sends
	connected atomic.Int64    // readers so far that have sent PLAY

	mu      sync.Mutex
	current map[*testpeer.RTSPConn]bool
}

// serve starts the camera and returns its address without user and password.
func (c *videoCamera) serve(t testing.TB) (url string) {
	t.Helper()
	c.sets, c.rate = cmp.Or(c.sets, inSDP), cmp.Or(c.rate, clipRate)
	c.pack(t)
	c.begin, c.current = time.Now(), map[*testpeer.RTSPConn]bool{}
	c.Description = c.describe(t)
	answer := c.Answer
	c.Answer = func(r *testpeer.RTSPConn, request *base.Request) *base.Response {
		if c.isOff.Load() {
			return &base.Response{StatusCode: base.StatusServiceUnavailable}
		}
		if answer == nil {
			return nil
		}
		return answer(r, request)
	}
	c.Play = c.play
	return "rtsp://" + c.Serve(t) + "/cam"
}

// describe returns the camera's SDP.
func (c *videoCamera) describe(t testing.TB) []byte {
	t.Helper()
	sets := make([][]byte, 3)
	if c.sets&inSDP != 0 {
		copy(sets, c.clip.frames[0].sets)
	}
	m := &description.Media{Type: description.MediaTypeVideo, Control: "trackID=0",
		Formats: []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sets[0], PPS: sets[1]}}}
	if c.clip.codec == "h265" {
		m.Formats = []format.Format{&format.H265{PayloadTyp: 96, VPS: sets[0], SPS: sets[1], PPS: sets[2]}}
	}
	b, err := description.Session{Title: "test", Medias: []*description.Media{m}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pack makes the RTP packets of all frames.
func (c *videoCamera) pack(t testing.TB) {
	t.Helper()
	encode := c.encoder(t)
	for _, f := range c.clip.frames {
		units := [][][]byte{f.nalus}
		switch {
		case f.isKey && c.sets&inBand != 0:
			units = [][][]byte{append(append([][]byte{}, f.sets...), f.nalus...)}
		case f.isKey && c.sets&separated != 0:
			units = nil
			for _, set := range f.sets {
				units = append(units, [][]byte{set})
			}
			units = append(units, f.nalus)
		}
		var packed []*rtp.Packet
		for _, unit := range units {
			one, err := encode(unit)
			if err != nil {
				t.Fatal(err)
			}
			packed = append(packed, one...)
		}
		c.units = append(c.units, packed)
	}
}

func (c *videoCamera) encoder(t testing.TB) func([][]byte) ([]*rtp.Packet, error) {
	t.Helper()
	if c.clip.codec == "h265" {
		e, err := (&format.H265{PayloadTyp: 96}).CreateEncoder()
		if err != nil {
			t.Fatal(err)
		}
		return e.Encode
	}
	e, err := (&format.H264{PayloadTyp: 96, PacketizationMode: 1}).CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	return e.Encode
}

// due returns when frame n is sent, counted from the camera's start over all loops.
func (c *videoCamera) due(n int) time.Time {
	return c.begin.Add(time.Duration(n) * time.Second / time.Duration(c.rate))
}

// position returns how many frames the camera has sent since its start.
func (c *videoCamera) position() int {
	return int(time.Since(c.begin) * time.Duration(c.rate) / time.Second)
}

// play sends the stream of one reader from the present position on.
func (c *videoCamera) play(conn *testpeer.RTSPConn) {
	c.connected.Add(1)
	c.mu.Lock()
	c.current[conn] = true
	c.mu.Unlock()
	if c.isOff.Load() { // turnOff may not have seen this connection
		_ = conn.Close()
	}
	defer func() {
		c.mu.Lock()
		delete(c.current, conn)
		c.mu.Unlock()
	}()
	s := sender{camera: c, conn: conn}
	first := c.position() + 1
	for n := first; c.closeAfter == 0 || n < first+c.closeAfter; n++ {
		if !waitUntil(c.due(n), conn) || !s.send(n, n-first) {
			return
		}
	}
}

// waitUntil waits for a time and reports whether the reader is still there.
func waitUntil(at time.Time, conn *testpeer.RTSPConn) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case request, ok := <-conn.Requests: // the camera answers by itself
			if !ok || request.Method == base.Teardown {
				return false
			}
		}
	}
}

// sender is what a camera knows of one connection.
type sender struct {
	camera   *videoCamera
	conn     *testpeer.RTSPConn
	sequence uint16
	sent     int // packets, with those that were lost
}

// send sends frame n, and once a second a sender report. sinceStart counts the frames of the connection. It returns false when the
// connection has failed.
func (s *sender) send(n, sinceStart int) bool {
	c := s.camera
	loop, at := n/len(c.units), n%len(c.units)
	stamp, captured := (uint32(loop)*c.clip.ticks+c.clip.frames[at].pts)*uint32(clipRate/c.rate), c.due(n)
	if c.stepAt > 0 && sinceStart >= c.stepAt {
		stamp += c.rtpStep
		captured = captured.Add(c.ntpStep)
	}
	if sinceStart%c.rate == 0 || sinceStart == c.stepAt {
		report := &rtcp.SenderReport{SSRC: 1, NTPTime: ntpTime(captured), RTPTime: stamp, PacketCount: uint32(s.sent)}
		if s.conn.SendRTCP(report) != nil {
			return false
		}
	}
	for _, p := range c.units[at] {
		copied := *p
		copied.SequenceNumber, copied.Timestamp, copied.SSRC = s.sequence, stamp, 1
		s.sequence++
		s.sent++
		if c.isOff.Load() || c.loses != nil && c.loses(s.sent) {
			continue
		}
		if s.conn.SendRTP(&copied) != nil {
			return false
		}
	}
	return true
}

// ntpTime returns a time as RTCP has it (RFC 3550, section 4): seconds since 1900 and their fraction, 32 bits each.
func ntpTime(t time.Time) uint64 {
	const seconds1900 = 2_208_988_800
	return uint64(t.Unix()+seconds1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// turnOff closes all connections and refuses new ones, until turnOn.
func (c *videoCamera) turnOff() {
	c.isOff.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.current {
		_ = conn.Close()
	}
}

func (c *videoCamera) turnOn() { c.isOff.Store(false) }

// loopLength is the length of the clip in pictures. Numbers begin again after it.
func (c *videoCamera) loopLength() int { return len(c.clip.frames) }

// ticksOf returns a duration on RTP's clock.
func ticksOf(d time.Duration) uint32 { return uint32(fmp4.Ticks(d)) }
