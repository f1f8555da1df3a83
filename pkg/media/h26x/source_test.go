package h26x

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// sample is an access unit of a real encoder.
type sample struct {
	nalus    [][]byte
	pts, dts time.Duration
	isKey    bool // as ffprobe says
}

// source is a video of a real encoder.
type source struct {
	path    string
	codec   Codec
	config  []byte // avcC or hvcC
	samples []sample
}

// encode makes a video of 160x120 at 25 fps, 2 s long. params are those of x264 or x265; "" gives no B-frames and a keyframe a second.
func encode(t testing.TB, codec Codec, params string) *source {
	t.Helper()
	return open(t, testpeer.Clip{Codec: string(codec), Size: "160x120", FPS: 25, Encoder: params})
}

// opened has the sources of all tests: ffprobe takes longer than the tests.
var opened sync.Map

func open(t testing.TB, clip testpeer.Clip) *source {
	t.Helper()
	if s, ok := opened.Load(clip); ok {
		return s.(*source)
	}
	s := &source{path: clip.Make(t), codec: Codec(clip.Codec)}
	file, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	name := map[Codec]string{H264: "avcC", H265: "hvcC"}[s.codec]
	at := bytes.Index(file, []byte(name))
	if at < 4 {
		t.Fatalf("no %s in %s", name, s.path)
	}
	s.config = file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))]
	for _, p := range testpeer.Packets(t, s.path) {
		s.samples = append(s.samples, sample{splitLengths(t, p.Data), p.PTS, p.DTS, p.IsKey})
	}
	opened.Store(clip, s)
	return s
}

// splitLengths splits NAL units with lengths of 4 bytes.
func splitLengths(t testing.TB, b []byte) (nalus [][]byte) {
	t.Helper()
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint32(b))
		nalus, b = append(nalus, b[4:4+n:4+n]), b[4+n:]
	}
	return nalus
}

// annexB joins NAL units to a byte stream.
func annexB(nalus [][]byte) []byte {
	var b []byte
	for _, nalu := range nalus {
		b = append(append(b, 0, 0, 0, 1), nalu...)
	}
	return b
}

// track returns a track that has the source's out-of-band parameter sets.
func (s *source) track(t testing.TB) *Track {
	t.Helper()
	track := NewTrack(s.codec, Options{})
	if err := track.SetConfig(s.config); err != nil {
		t.Fatal(err)
	}
	return track
}

// parameterSets returns the source's out-of-band parameter sets.
func (s *source) parameterSets(t testing.TB) (nalus [][]byte) {
	t.Helper()
	var err error
	if s.codec == H264 {
		nalus, err = readAVCC(s.config)
	} else {
		nalus, err = readHVCC(s.config)
	}
	if err != nil {
		t.Fatal(err)
	}
	syntax := NewTrack(s.codec, Options{}).syntax
	return slices.DeleteFunc(nalus, func(nalu []byte) bool { // x265 has a message there
		h, _ := syntax.header(nalu)
		return h.class != set
	})
}

// parse parses one access unit and keeps the result.
func parse(t testing.TB, track *Track, nalus [][]byte, pts time.Duration) AccessUnit {
	t.Helper()
	u, err := track.Parse(nalus, pts)
	if err != nil {
		t.Fatal(err)
	}
	if u == nil {
		return AccessUnit{}
	}
	kept := *u
	kept.NALUs = append([][]byte(nil), u.NALUs...)
	return kept
}

// parseAll parses all samples of a source.
func (s *source) parseAll(t testing.TB, track *Track) (units []AccessUnit) {
	t.Helper()
	for _, one := range s.samples {
		units = append(units, parse(t, track, one.nalus, one.pts))
	}
	return units
}
