package rtsp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/sourceurl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clip is a video of a real encoder, in RTP packets.
type clip struct {
	path    string
	codec   h26x.Codec
	sets    [][]byte // parameter sets
	packets []testpeer.Packet
}

// Where a clip has its parameter sets.
const (
	inSDP     = 1 << iota
	inBand    // in the access unit of each keyframe
	separated // in RTP packets of their own, with the marker
)

var opened sync.Map

func load(t testing.TB, codec h26x.Codec, encoder string) *clip {
	t.Helper()
	return loadClip(t, testpeer.Clip{Codec: string(codec), Size: "160x120", FPS: 25, Encoder: encoder})
}

func loadClip(t testing.TB, of testpeer.Clip) *clip {
	t.Helper()
	if c, ok := opened.Load(of); ok {
		return c.(*clip)
	}
	c := &clip{codec: h26x.Codec(of.Codec), path: of.Make(t)}
	c.packets = testpeer.Packets(t, c.path)
	file, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	record := func(name string) []byte {
		at := bytes.Index(file, []byte(name))
		if at < 4 {
			t.Fatalf("no %s in %s", name, c.path)
		}
		return file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))]
	}
	switch c.codec {
	case h26x.H264:
		config, err := avc.DecodeAVCDecConfRec(record("avcC"))
		if err != nil {
			t.Fatal(err)
		}
		c.sets = slices.Concat(config.SPSnalus, config.PPSnalus)
	case h26x.H265:
		config, err := hevc.DecodeHEVCDecConfRec(record("hvcC"))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []hevc.NaluType{hevc.NALU_VPS, hevc.NALU_SPS, hevc.NALU_PPS} {
			c.sets = append(c.sets, config.GetNalusForType(kind)...)
		}
	}
	opened.Store(of, c)
	return c
}

// media returns the clip's media as SDP describes it.
func (c *clip) media(where int) *description.Media {
	m := &description.Media{Type: description.MediaTypeVideo}
	sets := make([][]byte, 3)
	if where&inSDP != 0 {
		copy(sets, c.sets)
	}
	switch c.codec {
	case h26x.H264:
		m.Formats = []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sets[0], PPS: sets[1]}}
	case h26x.H265:
		m.Formats = []format.Format{&format.H265{PayloadTyp: 96, VPS: sets[0], SPS: sets[1], PPS: sets[2]}}
	default:
		m.Formats = []format.Format{&format.MJPEG{}}
	}
	return m
}

// sdp returns the description of a stream.
func sdp(t testing.TB, medias ...*description.Media) []byte {
	t.Helper()
	for i, m := range medias {
		m.Control = []string{"trackID=0", "trackID=1", "trackID=2"}[i%3]
	}
	b, err := description.Session{Title: "test", Medias: medias}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rtp packs the clip's frames. Timestamps begin just before they overflow.
func (c *clip) rtp(t testing.TB, where int) (frames [][]*rtp.Packet) {
	t.Helper()
	encode := c.encoder(t, where)
	for _, p := range c.packets {
		var packed []*rtp.Packet
		for _, nalus := range c.units(p, where) {
			one, err := encode(nalus)
			if err != nil {
				t.Fatal(err)
			}
			packed = append(packed, one...)
		}
		for _, one := range packed {
			one.Timestamp = uint32(fmp4.Ticks(p.PTS)) - 45_000
		}
		frames = append(frames, packed)
	}
	return frames
}

func (c *clip) encoder(t testing.TB, where int) func([][]byte) ([]*rtp.Packet, error) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch f := c.media(where).Formats[0].(type) {
	case *format.H264:
		e, err := f.CreateEncoder()
		fail(err)
		return e.Encode
	case *format.H265:
		e, err := f.CreateEncoder()
		fail(err)
		return e.Encode
	case *format.MJPEG:
		e, err := f.CreateEncoder()
		fail(err)
		return func(data [][]byte) ([]*rtp.Packet, error) { return e.Encode(data[0]) }
	}
	return nil
}

// units returns the access units of a frame, as a camera sends them.
func (c *clip) units(p testpeer.Packet, where int) [][][]byte {
	if c.codec == MJPEG {
		return [][][]byte{{p.Data}}
	}
	nalus := split(p.Data)
	switch {
	case p.IsKey && where&inBand != 0:
		return [][][]byte{slices.Concat(c.sets, nalus)}
	case p.IsKey && where&separated != 0:
		units := [][][]byte{}
		for _, set := range c.sets {
			units = append(units, [][]byte{set})
		}
		return append(units, nalus)
	}
	return [][][]byte{nalus}
}

// split splits NAL units with lengths of 4 bytes.
func split(b []byte) (nalus [][]byte) {
	for len(b) > 0 {
		n := 4 + binary.BigEndian.Uint32(b)
		nalus, b = append(nalus, b[4:n:n]), b[n:]
	}
	return nalus
}

// recorder keeps what Read calls back with.
type recorder struct {
	mu      sync.Mutex
	infos   []Info
	frames  []Frame // with copies of all bytes
	drops   map[string]int
	onFrame func(n int)   // after frame n, from 1
	tokens  chan struct{} // UDP: one for each frame
}

func (r *recorder) options(url string) Options {
	source, err := sourceurl.Parse(url)
	if err != nil {
		panic(err)
	}
	return Options{Source: source, OnOpened: r.opened, OnFrame: r.frame, OnDrop: r.drop, OpenTimeout: testrun.Deadline, ReadTimeout: testrun.Deadline}
}

func (r *recorder) opened(i Info) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.infos = append(r.infos, i)
}

func (r *recorder) drop(cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.drops == nil {
		r.drops = map[string]int{}
	}
	r.drops[cause]++
}

func (r *recorder) frame(f *Frame) {
	kept := *f
	kept.JPEG = bytes.Clone(f.JPEG)
	if f.Unit != nil {
		u := *f.Unit
		u.NALUs = nil
		for _, nalu := range f.Unit.NALUs {
			u.NALUs = append(u.NALUs, bytes.Clone(nalu))
		}
		kept.Unit = &u
	}
	r.mu.Lock()
	r.frames = append(r.frames, kept)
	n := len(r.frames)
	r.mu.Unlock()
	if r.onFrame != nil {
		r.onFrame(n)
	}
}

// pictures returns the hashes of what the frames decode to. Any error in them fails the test.
func (r *recorder) pictures(t *testing.T) []string {
	t.Helper()
	if len(r.frames) == 0 {
		t.Fatal("no frames")
	}
	path := filepath.Join(t.TempDir(), "stream.mp4")
	var b []byte
	for i, f := range r.frames {
		if f.Unit == nil {
			path = filepath.Join(filepath.Dir(path), "stream.mjpeg")
			b = append(b, f.JPEG...)
			continue
		}
		if i == 0 {
			b = fmp4.NewInit(f.Unit.Format)
		}
		wire := fmp4.NewFragment(f.Unit)
		fmp4.SetTime(wire[:fmp4.HeadSize], uint32(i+1), uint64(fmp4.Ticks(f.Unit.DTS)-fmp4.Ticks(r.frames[0].Unit.DTS)))
		b = append(b, wire...)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return testpeer.DecodedPictures(t, path)
}

// read reads a stream with a test's deadline, and returns the error.
func read(t *testing.T, o Options) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
	defer cancel()
	return Read(ctx, o)
}

// wantError checks reason and detail of an error.
func wantError(t *testing.T, err error, want Error) {
	t.Helper()
	if got, ok := errors.AsType[*Error](err); !ok || *got != want {
		t.Errorf("got %#v,\nexpected %#v", err, &want)
	}
}

// sendAll plays frames without pauses.
func sendAll(frames [][]*rtp.Packet) func(*testpeer.RTSPConn) {
	return func(c *testpeer.RTSPConn) {
		for _, frame := range frames {
			for _, p := range frame {
				if c.SendRTP(p) != nil {
					return
				}
			}
		}
	}
}
