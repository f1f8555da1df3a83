package mp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	mediacommon "github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/streaming"
)

// readFrames reads a stream from its beginning, up to n fragments.
func readFrames(t testing.TB, r io.Reader, n int) []byte {
	t.Helper()
	var all []byte
	for n > 0 {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			t.Fatalf("%d fragments are missing: %v", n, err)
		}
		box := make([]byte, binary.BigEndian.Uint32(head[:])-8)
		if _, err := io.ReadFull(r, box); err != nil {
			t.Fatal(err)
		}
		all = append(append(all, head[:]...), box...)
		if string(head[4:]) == "mdat" {
			n--
		}
	}
	return all
}

// checkFrames compares a stream with the frames of the video without end, from number first on, byte by byte.
func checkFrames(t *testing.T, stream []byte, v *video, first, n int) {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	var samples []mp4.FullSample
	for _, segment := range file.Segments {
		for _, f := range segment.Fragments {
			got, err := f.GetFullSamples(file.Init.Moov.Mvex.Trex)
			if err != nil {
				t.Fatal(err)
			}
			samples = append(samples, got...)
			if int(f.Moof.Mfhd.SequenceNumber) != len(samples) {
				t.Errorf("fragment %d has the sequence number %d", len(samples), f.Moof.Mfhd.SequenceNumber)
			}
		}
	}
	if len(samples) != n {
		t.Fatalf("%d frames, expected %d", len(samples), n)
	}
	for i, s := range samples {
		if want := v.frame(first + i); !bytes.Equal(s.Data, want.Data) {
			t.Fatalf("frame %d of the stream is not frame %d of the video", i, first+i)
		}
	}
	var parts mediacommon.Parts
	init := len(v.frames[0].Format.Init)
	if err := parts.Unmarshal(stream[init:]); err != nil || len(parts) != n || !bytes.Equal(stream[:init], v.frames[0].Format.Init) {
		t.Errorf("%d fragments, %v", len(parts), err)
	}
}

// Viewers join in the middle of a group, by each protocol. They get the group's frames and all that follow, byte by byte, and every program
// decodes them.
func TestViewersGetTheVideoFromTheKeyframeOn(t *testing.T) {
	for name, clip := range timelineClips {
		for protocol, protocolName := range []string{"plain", "HTTP/1 over TLS", "HTTP/2"} {
			t.Run(name+", "+protocolName, func(t *testing.T) {
				t.Parallel()
				p := newPublisher(t, clip)
				p.publish(57)
				first := int(p.topic.Newest().KeySeq) - 1
				s := startServer(t, testCamera{"video", p.topic, ""}, request.Limits{}, protocol)
				resp := s.get(t, "")
				if want := fmt.Sprintf("video/mp4; codecs=%q", p.frames[0].Format.CodecString); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != want {
					t.Fatalf("%s, %v", resp.Status, resp.Header)
				}
				leading := 0 // a viewer gets no frames that need the group before its first
				for p.frame(first + 1 + leading).Leading {
					leading++
				}
				stream := readFrames(t, resp.Body, 57-first-leading)
				for range 90 { // one at a time: the ring holds two groups only
					p.publish(1)
					stream = append(stream, readFrames(t, resp.Body, 1)...)
				}
				if leading == 0 {
					checkFrames(t, stream, p.video, first, 57-first+90)
				}
				checkTimes(t, stream)
			})
		}
	}
}

// checkTimes checks that ffmpeg decodes a stream without an error, and that its times increase from 0.
func checkTimes(t *testing.T, stream []byte) {
	t.Helper()
	path := save(t, stream)
	packets := testpeer.Packets(t, path)
	if got := testpeer.DecodedPictures(t, path); len(got) != len(packets) {
		t.Errorf("%d pictures of %d", len(got), len(packets))
	}
	displayed := map[time.Duration]bool{}
	for i, p := range packets {
		if i == 0 && p.DTS != 0 || i > 0 && p.DTS < packets[i-1].DTS || displayed[p.PTS] && p.PTS > time.Second || p.PTS < p.DTS {
			t.Errorf("packet %d: DTS %v, PTS %v", i, p.DTS, p.PTS)
		}
		displayed[p.PTS] = true
	}
}

func TestFormatGoesOnWithAnotherSize(t *testing.T) {
	small, large := newPublisher(t, timelineClips["h264"]), newVideo(t, testpeer.Clip{Codec: "h264", Size: "320x240", FPS: 25, Length: 2 * time.Second})
	s := startServer(t, testCamera{"video", small.topic, ""}, request.Limits{}, plain)
	small.publish(1)
	resp := s.get(t, "")
	small.publish(24)
	stream := readFrames(t, resp.Body, 25)
	small.video = large
	small.publish(25)
	stream = append(stream, readFrames(t, resp.Body, 25)...)
	if got := testpeer.DecodedPictures(t, save(t, stream)); len(got) != 50 {
		t.Errorf("%d pictures of 50", len(got))
	}
	h265 := newVideo(t, timelineClips["h265, open groups"])
	small.video = h265
	small.next = 0
	small.publish(1)
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%d bytes after the codec changed, %v", len(rest), err)
	}
}

// A pause withdraws the frames. The viewer waits, and continues on the same connection without a gap.
func TestStreamContinuesAfterAPause(t *testing.T) {
	for _, protocol := range []int{plain, http2TLS} {
		p := newPublisher(t, timelineClips["h264"])
		s := startServer(t, testCamera{"video", p.topic, ""}, request.Limits{WriteTimeout: 50 * time.Millisecond}, protocol)
		p.publish(30)
		resp := s.get(t, "")
		stream := readFrames(t, resp.Body, 5)
		p.topic.Withdraw()
		for i := range p.frames {
			p.frames[i].PTS += time.Minute
			p.frames[i].DTS += time.Minute
		}
		if refused := startServer(t, testCamera{"video", p.topic, ""}, request.Limits{}, plain); refused != nil { // nobody joins a paused camera
			refused.mp4.firstFrameTimeout = 200 * time.Millisecond
			if got := refused.get(t, ""); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
				t.Errorf("%s, %v", got.Status, got.Header)
			}
		}
		p.next = 50
		p.publish(25)
		stream = append(stream, readFrames(t, resp.Body, 25)...)
		packets := testpeer.Packets(t, save(t, stream))
		if last := packets[len(packets)-1].DTS; last > 1100*time.Millisecond {
			t.Errorf("the last frame is at %v", last)
		}
	}
}

func TestViewerWaitsForACameraThatStarts(t *testing.T) {
	p := newPublisher(t, timelineClips["h264"])
	s := startServer(t, testCamera{"sub", p.topic, ""}, request.Limits{}, plain)
	done := make(chan *http.Response, 1)
	go func() { done <- s.get(t, "?track=sub") }()
	testrun.WaitFor(t, "the viewer to want video", func() bool { return p.topic.Subscriptions() == 1 && s.viewers.Count() == 1 })
	p.publish(1)
	resp := <-done
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Type"), "avc1.") {
		t.Fatalf("%s, %v", resp.Status, resp.Header)
	}
	checkFrames(t, readFrames(t, resp.Body, 1), p.video, 0, 1)
	_ = resp.Body.Close()
	testrun.WaitFor(t, "the viewer to be gone", func() bool { return s.viewers.Count() == 0 && p.topic.Subscriptions() == 0 })
}

func TestRequestsThatCannotBeServed(t *testing.T) {
	empty, jpeg := broker.NewTopic("yard", broker.VideoOptions()), broker.NewTopic("yard", broker.VideoOptions())
	jpeg.Publish(broker.Frame{Key: true, Wire: []byte("a JPEG"), Format: &broker.Format{Codec: "jpeg"}})
	for _, c := range []struct {
		camera testCamera
		query  string
		code   int
		text   string
	}{
		{testCamera{"sub", empty, ""}, "", http.StatusNotFound, "/cameras/yard/stream.mjpg"},
		{testCamera{"video", jpeg, ""}, "", http.StatusNotFound, "/cameras/yard/stream.mjpg"},
		{testCamera{"video", empty, "mjpeg"}, "", http.StatusNotFound, "/cameras/yard/stream.mjpg"},
		{testCamera{"video", empty, "h264"}, "", http.StatusServiceUnavailable, "live"},
		{testCamera{"sub", empty, "mjpeg"}, "?track=sub", http.StatusServiceUnavailable, "live"},
		{testCamera{"video", empty, ""}, "?track=sub", http.StatusNotFound, "substream"},
		{testCamera{"video", empty, ""}, "?track=audio", http.StatusBadRequest, "track"},
		{testCamera{"video", empty, ""}, "", http.StatusServiceUnavailable, "starting"},
	} {
		s := startServer(t, c.camera, request.Limits{}, plain)
		s.mp4.firstFrameTimeout = 100 * time.Millisecond
		resp := s.get(t, c.query)
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != c.code || !strings.Contains(string(text), c.text) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%q: %s, %q, %v", c.query, resp.Status, text, err)
		}
		if n := s.viewers.Count(); n != 0 {
			t.Errorf("%q: %d viewers", c.query, n)
		}
	}
}

func TestHeadSendsNoVideo(t *testing.T) {
	p := newPublisher(t, timelineClips["h264"])
	p.publish(1)
	s := startServer(t, testCamera{"video", p.topic, ""}, request.Limits{}, plain)
	resp, err := s.client.Head(s.url)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "video/mp4; codecs=") || s.viewers.Count() != 0 {
		t.Errorf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
}

// A viewer with a limit of bytes misses frames up to a keyframe, and decodes what it gets.
func TestViewerAboveItsLimitOfBytesDecodesWhatItGets(t *testing.T) {
	v := newVideo(t, timelineClips["h264, B-frames"])
	bytes := 0
	for _, f := range v.frames {
		bytes += len(f.Wire)
	}
	filter := streaming.NewVideoFilter(int64(float64(bytes) / v.length.Seconds() * 0.6))
	topic := broker.NewTopic("yard", broker.Options{Depth: 1024})
	begin, line := time.Now(), newTimeline(nil)
	stream := []byte{}
	got := 0
	for i := range 400 {
		f := v.frame(i)
		f.Captured = begin.Add(time.Duration(i) * 40 * time.Millisecond)
		shared := topic.Publish(f)
		if filter(shared) != 0 {
			continue
		}
		if filter(shared) != 0 { // it comes again if the socket took nothing
			t.Fatal("the filter has changed its mind")
		}
		head, rest, err := line.Mux(shared)
		if err != nil {
			t.Fatal(err)
		}
		line.Sent()
		got++
		stream = slices.Concat(stream, head, rest)
	}
	if got < 120 || got > 300 {
		t.Errorf("%d frames of 400", got)
	}
	if decoded := testpeer.DecodedPictures(t, save(t, stream)); len(decoded) != got {
		t.Errorf("%d pictures of %d", len(decoded), got)
	}
}
