package rtsp

import (
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"camd/pkg/camera"
	"camd/pkg/media/h26x"
)

// stream turns the packets of a media into frames. Its methods are safe for concurrent use: over UDP, packets and reports come from two
// goroutines.
type stream struct {
	options Options
	info    Info
	rate    int // ticks of the media's clock per second
	fail    func(*Error)

	mu       sync.Mutex
	isOpened bool
	isEnded  bool
	packets  *packetReader
	track    *h26x.Track // nil for MJPEG
	clock    captureClock
	waitFor  string    // the cause for which frames are left out up to the next keyframe; "" if none are
	leading  string    // the cause for which leading frames are left out
	packetAt time.Time // when the last packet arrived
	frameAt  time.Time // when the last frame was delivered, or the stream began
	cause    string    // of the last frame that was left out
}

func newStream(o Options, f format.Format, fail func(*Error)) (*stream, error) {
	s := &stream{options: o, info: Info{codecOf(f), o.Transport}, rate: f.ClockRate(), fail: fail, waitFor: NoKeyframe}
	var err error
	s.packets, err = newPacketReader(f, o.Track.MaxBytes, s.addUnit, s.addLoss)
	if err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case *format.H264:
		s.track = h26x.NewTrack(h26x.H264, o.Track)
		_ = s.track.SetParameterSets(f.SPS, f.PPS) // sets in band may still be valid
	case *format.H265:
		s.track = h26x.NewTrack(h26x.H265, o.Track)
		_ = s.track.SetParameterSets(f.VPS, f.SPS, f.PPS)
	default:
		s.waitFor = ""
	}
	s.packetAt = time.Now()
	s.frameAt = s.packetAt
	return s, nil
}

// start reports that the server plays the stream. Its first packets may come earlier.
func (s *stream) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
}

func (s *stream) open() {
	if !s.isOpened && !s.isEnded {
		s.isOpened = true
		s.options.OnOpened(s.info)
	}
}

// end fails the session and stops the callbacks.
func (s *stream) end(e *Error) {
	s.isEnded = true
	s.fail(e)
}

// addPacket takes a packet that arrived now.
func (s *stream) addPacket(p *rtp.Packet, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isEnded || len(p.Payload) == 0 { // empty ones keep a connection alive
		return
	}
	if s.packets.hasPacket && p.SSRC != s.packets.ssrc {
		s.clock.forgetReports()
	}
	s.packetAt = now
	s.packets.add(p)
}

// addReport takes an RTCP packet that arrived now.
func (s *stream) addReport(p rtcp.Packet, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isEnded || !s.packets.hasPacket {
		return
	}
	switch p := p.(type) {
	case *rtcp.SenderReport:
		if p.SSRC == s.packets.ssrc {
			s.clock.report(ntp.Decode(p.NTPTime), s.duration(s.packets.time.peek(p.RTPTime)), now)
		}
	case *rtcp.Goodbye:
		for _, source := range p.Sources {
			if source == s.packets.ssrc {
				s.end(&Error{Reason: camera.Disconnected, Detail: "the camera ended the stream"})
				return
			}
		}
	}
}

// duration returns a time in ticks as a duration.
func (s *stream) duration(ticks int64) time.Duration {
	rate := int64(s.rate)
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate)*time.Second/time.Duration(rate)
}

// addUnit takes a complete access unit, or a JPEG.
func (s *stream) addUnit(u unit) {
	frame := Frame{Arrived: s.packetAt, PTS: s.duration(u.ticks), JPEG: u.jpeg}
	if s.track != nil {
		var err error
		frame.Unit, err = s.track.Parse(u.nalus, frame.PTS)
		if refused, ok := err.(*h26x.RefusedError); ok { //nolint:errorlint // Parse documents the type
			s.addLoss(refused.Cause)
			return
		}
		if s.track.IsKeyframeOverdue() {
			s.end(noKeyframes(s.options.Track.MaxKeyframeInterval))
			return
		}
		if frame.Unit == nil || s.leavesOut(frame.Unit) {
			return
		}
	}
	frame.Captured = s.clock.at(frame.PTS, frame.Arrived)
	if frame.Unit != nil {
		frame.PTS = frame.Unit.PTS
	}
	s.frameAt = s.packetAt
	s.open()
	s.options.OnFrame(&frame)
}

// leavesOut reports whether a decoder could not decode a frame, because of others that were left out.
func (s *stream) leavesOut(u *h26x.AccessUnit) bool {
	cause := ""
	switch {
	case u.Key:
		s.leading, s.waitFor = s.waitFor, ""
	case s.waitFor != "":
		cause = s.waitFor
	case u.Leading:
		cause = s.leading
	}
	if cause != "" {
		s.drop(cause)
	}
	return cause != ""
}

// addLoss takes a frame that is not complete.
func (s *stream) addLoss(cause string) {
	if s.track != nil {
		s.waitFor = cause
	}
	s.drop(cause)
}

func (s *stream) drop(cause string) {
	s.cause = cause
	s.options.OnDrop(cause)
}

// check returns how long the stream may go on as it is, or why it has failed.
func (s *stream) check() (time.Duration, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	quiet := s.options.ReadTimeout - now.Sub(s.packetAt)
	// A stream may begin right behind a keyframe.
	useless := s.options.ReadTimeout + s.options.Track.MaxKeyframeInterval - now.Sub(s.frameAt)
	switch {
	case quiet <= 0:
		s.isEnded = true
		return 0, nothingArrived(s.options.ReadTimeout)
	case useless <= 0:
		s.isEnded = true
		return 0, noFrames(s.cause)
	}
	return min(quiet, useless), nil
}
