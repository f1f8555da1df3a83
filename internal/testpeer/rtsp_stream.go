package testpeer

import (
	"sync"
	"sync/atomic"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

// rtspStream answers the requests to an RTSP server: of one publisher at /cam, and of any number of readers.
type rtspStream struct {
	user, password string
	server         *gortsplib.Server
	packets        atomic.Uint64
	muted          atomic.Bool
	request        sync.Mutex // held from OnRequest to OnResponse

	mu        sync.Mutex
	stream    *gortsplib.ServerStream
	publisher *gortsplib.ServerSession
}

const streamPath = "/cam"

// recording reports whether packets of the publisher have arrived.
func (s *rtspStream) recording() bool { return s.packets.Load() > 0 }

func (s *rtspStream) mute() { s.muted.Store(true) }

// OnRequest and OnResponse let the server handle one request at a time. On a SETUP for UDP, gortsplib's ServerStream looks through the
// tracks of all readers without a lock, while a SETUP of another reader may add to them.
func (s *rtspStream) OnRequest(*gortsplib.ServerConn, *base.Request) { s.request.Lock() }

// OnResponse is called for every request, also for those that fail, before the answer is sent.
func (s *rtspStream) OnResponse(*gortsplib.ServerConn, *base.Response) { s.request.Unlock() }

// OnAnnounce accepts a publisher.
func (s *rtspStream) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := &gortsplib.ServerStream{Server: s.server, Desc: c.Description}
	if err := stream.Initialize(); err != nil {
		return &base.Response{StatusCode: base.StatusInternalServerError}, err
	}
	s.stream, s.publisher = stream, c.Session
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnRecord forwards the publisher's packets to the readers.
func (s *rtspStream) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	var decoder *rtph265.Decoder
	c.Session.OnPacketRTPAny(func(m *description.Media, f format.Format, p *rtp.Packet) {
		if h265, ok := f.(*format.H265); ok {
			if decoder == nil {
				decoder, _ = h265.CreateDecoder()
			}
			units, _ := decoder.Decode(p) // an error means that the unit is not complete yet
			updateParams(h265, units)
		}
		if !s.muted.Load() {
			_ = stream.WritePacketRTP(m, p)
		}
		s.packets.Add(1)
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// updateParams updates the stream parameters that readers get, as a camera does when its picture size is changed. With old parameters a
// decoder makes wrong pictures until the next key frame.
func updateParams(f *format.H265, units [][]byte) {
	for _, u := range units {
		switch u[0] >> 1 & 0x3f { // ITU-T H.265, table 7-1
		case 32:
			f.SafeSetParams(u, f.SPS, f.PPS)
		case 33:
			f.SafeSetParams(f.VPS, u, f.PPS)
		case 34:
			f.SafeSetParams(f.VPS, f.SPS, u)
		}
	}
}

// OnDescribe describes the stream to a reader.
func (s *rtspStream) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.streamFor(c.Conn, c.Request, c.Path)
}

// OnSetup prepares a publisher's or a reader's track.
func (s *rtspStream) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return s.streamFor(c.Conn, c.Request, c.Path)
}

// OnPlay starts a reader.
func (s *rtspStream) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose ends the stream with its publisher.
func (s *rtspStream) OnSessionClose(c *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil && c.Session == s.publisher {
		s.stream.Close()
		s.stream = nil
	}
}

func (s *rtspStream) streamFor(conn *gortsplib.ServerConn, r *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	if s.user != "" && !conn.VerifyCredentials(r, s.user, s.password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil || path != streamPath {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}
