package rtsp

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/media/h26x"
)

var closed = Error{Reason: camera.Disconnected, Detail: "the camera closed the connection"}

var streams = []struct {
	name    string
	codec   h26x.Codec
	encoder string
	where   int
}{
	{"no B-frames", h26x.H264, "bframes=0:keyint=50", inSDP},
	{"three B-frames", h26x.H264, "bframes=3:b-adapt=0:keyint=50", inSDP | inBand},
	{"keyframes only", h26x.H264, "keyint=1", inSDP},
	{"a long group", h26x.H264, "keyint=300", inSDP},
	{"intra refresh", h26x.H264, "intra-refresh=1:keyint=10", inSDP},
	{"parameter sets only in band", h26x.H264, "", inBand},
	{"parameter sets with the marker", h26x.H264, "", separated},
	{"many slices", h26x.H264, "slices=4", inSDP},
	{"interlaced", h26x.H264, "interlaced=1:bframes=2:b-adapt=0", inSDP},
	{"H.265", h26x.H265, "", inSDP},
	{"H.265, open groups", h26x.H265, "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1", inBand},
	{"H.265, parameter sets with the marker", h26x.H265, "bframes=3:b-adapt=0", separated},
}

// Everything that a camera sends arrives, and decodes to the same pictures as at the encoder.
func TestAllFramesOfAStream(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c := load(t, s.codec, s.encoder)
			address := (&testpeer.RTSPCamera{Description: sdp(t, c.media(s.where)), Play: sendAll(c.rtp(t, s.where))}).Serve(t)
			r := &recorder{}
			wantError(t, read(t, r.options("rtsp://"+address+"/cam")), closed)
			c.check(t, r, "tcp")
		})
	}
}

// check checks that a recorder has all frames of a clip.
func (c *clip) check(t *testing.T, r *recorder, transport string) {
	t.Helper()
	if want := []Info{{Codec: c.codec, Transport: transport}}; !reflect.DeepEqual(r.infos, want) {
		t.Errorf("opened %v, expected %v", r.infos, want)
	}
	if len(r.drops) > 0 || len(r.frames) != len(c.packets) {
		t.Fatalf("%d frames of %d, left out %v", len(r.frames), len(c.packets), r.drops)
	}
	if got, want := r.pictures(t), testpeer.DecodedPictures(t, c.path); !reflect.DeepEqual(got, want) {
		t.Errorf("%d pictures of %d, or other ones", len(got), len(want))
	}
	for i, f := range r.frames {
		if off := f.PTS - r.frames[0].PTS - (c.packets[i].PTS - c.packets[0].PTS); off.Abs() > 100_000 {
			t.Errorf("frame %d: PTS is off by %v", i, off)
		}
		if f.Captured.After(f.Arrived) || f.Arrived.IsZero() {
			t.Errorf("frame %d: captured %v, arrived %v", i, f.Captured, f.Arrived)
		}
	}
}

func TestMJPEG(t *testing.T) {
	c := loadClip(t, testpeer.Clip{Codec: "mjpeg", Size: "160x120", FPS: 25})
	address := (&testpeer.RTSPCamera{Description: sdp(t, c.media(0)), Play: sendAll(c.rtp(t, 0))}).Serve(t)
	r := &recorder{}
	wantError(t, read(t, r.options("rtsp://"+address+"/cam")), closed)
	c.check(t, r, "tcp")
}

// A camera that sets no marker bits delivers the same frames but the last, which has no end.
func TestFramesEndWithTheirTimestamp(t *testing.T) {
	for _, codec := range []h26x.Codec{h26x.H264, h26x.H265} {
		c := load(t, codec, "")
		frames := c.rtp(t, inSDP)
		for _, frame := range frames {
			for _, p := range frame {
				p.Marker = false
			}
		}
		address := (&testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: sendAll(frames)}).Serve(t)
		r := &recorder{}
		wantError(t, read(t, r.options("rtsp://"+address+"/cam")), closed)
		if len(r.drops) > 0 || len(r.frames) != len(frames)-1 {
			t.Errorf("%s: %d frames of %d, left out %v", codec, len(r.frames), len(frames), r.drops)
		}
	}
}

// Audio and other streams are not set up.
func TestOnlyTheFirstVideoIsRead(t *testing.T) {
	c := load(t, h26x.H264, "")
	audio := &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}}}
	rtspCamera := &testpeer.RTSPCamera{Description: sdp(t, audio, c.media(inSDP), c.media(0)), Play: sendAll(c.rtp(t, inSDP))}
	requests := recordRequests(rtspCamera)
	r := &recorder{}
	wantError(t, read(t, r.options("rtsp://"+rtspCamera.Serve(t)+"/cam")), closed)
	c.check(t, r, "tcp")
	if got := requests.urls("SETUP"); len(got) != 1 || got[0] != "/cam/trackID=1" {
		t.Errorf("set up %q", got)
	}
}

// A real RTSP server, over TCP and UDP, with a login. ffmpeg repeats the clip without end.
func TestRealServer(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "admin", Password: "geheim/1"})
	known := map[string]bool{}
	for _, hash := range testpeer.DecodedPictures(t, testpeer.H264.Make(t)) {
		known[hash] = true
	}
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
			defer cancel()
			r := &recorder{onFrame: func(n int) {
				if n == 40 {
					cancel()
				}
			}}
			o := r.options(server.UserURL())
			o.Transport = transport
			if err := Read(ctx, o); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			for i, hash := range r.pictures(t) {
				if !known[hash] {
					t.Errorf("picture %d is not in the clip", i)
				}
			}
			if r.infos[0].Transport != transport {
				t.Errorf("got %v", r.infos)
			}
		})
	}
}
