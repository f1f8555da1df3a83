package fmp4

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/media/h26x"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
)

// source is a video of a real encoder, in an MP4 file of ffmpeg's.
type source struct {
	path    string
	codec   h26x.Codec
	config  []byte
	packets []testpeer.Packet
}

func encode(t testing.TB, codec h26x.Codec, params string) *source {
	t.Helper()
	s := &source{codec: codec, path: testpeer.Clip{Codec: string(codec), Size: "160x120", FPS: 25, Encoder: params}.Make(t)}
	s.packets = testpeer.Packets(t, s.path)
	file, err := os.ReadFile(s.path)
	name := map[h26x.Codec]string{h26x.H264: "avcC", h26x.H265: "hvcC"}[codec]
	at := bytes.Index(file, []byte(name))
	if err != nil || at < 4 {
		t.Fatalf("no %s in %s: %v", name, s.path, err)
	}
	s.config = file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))]
	return s
}

// fragments returns the initialisation segment and the fragments of a source, and its frames.
func (s *source) fragments(t testing.TB) (init []byte, wires [][]byte, units []h26x.AccessUnit) {
	t.Helper()
	track := h26x.NewTrack(s.codec, h26x.Options{})
	if err := track.SetConfig(s.config); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.packets {
		var nalus [][]byte
		for b := p.Data; len(b) > 0; {
			n := 4 + binary.BigEndian.Uint32(b)
			nalus, b = append(nalus, b[4:n]), b[n:]
		}
		u, err := track.Parse(nalus, p.PTS)
		if err != nil {
			t.Fatal(err)
		}
		wires, units = append(wires, NewFragment(u)), append(units, *u)
	}
	return NewInit(units[0].Format), wires, units
}

// write writes a file as a viewer receives it: its timeline begins at 0.
func write(t testing.TB, init []byte, wires [][]byte, units []h26x.AccessUnit) string {
	t.Helper()
	b := bytes.Clone(init)
	for i, wire := range wires {
		head := bytes.Clone(wire[:HeadSize])
		SetTime(head, uint32(i+1), uint64(Ticks(units[i].DTS)-Ticks(units[0].DTS)))
		b = append(append(b, head...), wire[HeadSize:]...)
	}
	path := filepath.Join(t.TempDir(), "stream.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var clips = []struct {
	name   string
	codec  h26x.Codec
	params string
}{
	{"h264", h26x.H264, ""},
	{"h264, B-frames", h26x.H264, "bframes=3:b-pyramid=normal:b-adapt=0:keyint=50"},
	{"h264, open groups", h26x.H264, "bframes=3:b-adapt=0:open-gop=1:keyint=10"},
	{"h264, keyframes only", h26x.H264, "keyint=1"},
	{"h264, intra refresh", h26x.H264, "intra-refresh=1:keyint=10"},
	{"h264, interlaced", h26x.H264, "interlaced=1:bframes=2:b-adapt=0"},
	{"h265", h26x.H265, ""},
	{"h265, open groups", h26x.H265, "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1"},
	{"h265, temporal layers", h26x.H265, "bframes=3:b-adapt=0:temporal-layers=1"},
}

// video is a source in fragments.
type video struct {
	*source
	init  []byte
	wires [][]byte
	units []h26x.AccessUnit
}

func TestOthersReadTheSame(t *testing.T) {
	for _, c := range clips {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := video{source: encode(t, c.codec, c.params)}
			v.init, v.wires, v.units = v.fragments(t)
			t.Run("ffmpeg", v.testFFmpeg)
			t.Run("mp4ff", v.testMp4ff)
			t.Run("mediacommon", v.testMediacommon)
		})
	}
}

func (v video) testFFmpeg(t *testing.T) {
	path := write(t, v.init, v.wires, v.units)
	if got, want := testpeer.DecodedPictures(t, path), testpeer.DecodedPictures(t, v.path); !reflect.DeepEqual(got, want) || len(got) != len(v.units) {
		t.Errorf("%d frames of %d, or other pictures", len(got), len(want))
	}
	checkPackets(t, testpeer.Packets(t, path), v.source, v.units)
}

// checkPackets checks that ffprobe reads the times, kinds and bytes of the frames.
func checkPackets(t *testing.T, packets []testpeer.Packet, s *source, units []h26x.AccessUnit) {
	t.Helper()
	if len(packets) != len(units) {
		t.Fatalf("%d packets of %d", len(packets), len(units))
	}
	isSame := func(a, b time.Duration) bool { return (a - b).Abs() <= time.Microsecond } // ffprobe's
	begin := units[0].DTS
	for i, p := range packets {
		u, data := units[i], p.Data
		if !isSame(p.PTS, u.PTS-begin) || !isSame(p.DTS, u.DTS-begin) || !isSame(p.PTS-packets[0].PTS, s.packets[i].PTS-s.packets[0].PTS) {
			t.Errorf("frame %d: PTS %v, DTS %v; expected %v and %v", i, p.PTS, p.DTS, u.PTS-begin, u.DTS-begin)
		}
		if u.Key && !p.IsKey || !bytes.HasSuffix(data, s.packets[i].Data) { // FFmpeg takes recovery points for keyframes, too
			t.Errorf("frame %d: %d bytes of %d, key %v", i, len(data), len(s.packets[i].Data), p.IsKey)
		}
	}
}

func (v video) testMp4ff(t *testing.T) {
	file, err := mp4.DecodeFile(bytes.NewReader(slices.Concat(append([][]byte{v.init}, v.wires...)...)))
	if err != nil {
		t.Fatal(err)
	}
	checkTrack(t, file.Init, v.units[0].Format)
	var fragments []*mp4.Fragment
	for _, segment := range file.Segments {
		fragments = append(fragments, segment.Fragments...)
	}
	if len(fragments) != len(v.units) {
		t.Fatalf("%d fragments of %d", len(fragments), len(v.units))
	}
	for i, f := range fragments {
		checkFragment(t, f, file.Init.Moov.Mvex.Trex, v.wires[i], &v.units[i])
	}
}

func checkTrack(t *testing.T, init *mp4.InitSegment, f *h26x.Format) {
	t.Helper()
	entry := init.Moov.Trak.Mdia.Minf.Stbl.Stsd
	var sample *mp4.VisualSampleEntryBox
	var config bytes.Buffer
	if sample = entry.AvcX; sample != nil {
		_ = sample.AvcC.Encode(&config)
	} else {
		sample = entry.HvcX
		_ = sample.HvcC.Encode(&config)
	}
	if int(sample.Width) != f.Width || int(sample.Height) != f.Height || !bytes.Equal(config.Bytes()[8:], f.Config) || init.Moov.Trak.Mdia.Mdhd.Timescale != Timescale {
		t.Errorf("got %+v with % x, expected % x", sample, config.Bytes(), f.Config)
	}
}

func checkFragment(t *testing.T, f *mp4.Fragment, trex *mp4.TrexBox, wire []byte, u *h26x.AccessUnit) {
	t.Helper()
	samples, err := f.GetFullSamples(trex)
	if err != nil || len(samples) != 1 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	got := samples[0]
	if int64(got.DecodeTime) != max(Ticks(u.DTS), 0) || int64(got.CompositionTimeOffset) != Ticks(u.PTS)-Ticks(u.DTS) || !bytes.Equal(got.Data, wire[HeadSize:]) {
		t.Errorf("got %+v, expected %+v", got, u)
	}
	flags := mp4.DecodeSampleFlags(got.Flags)
	want := mp4.SampleFlags{SampleDependsOn: 1, SampleIsNonSync: true}
	if u.Key {
		want = mp4.SampleFlags{SampleDependsOn: 2}
	}
	if u.Disposable {
		want.SampleIsDependedOn = 2
	}
	if u.Leading {
		want.IsLeading = 1
	}
	if flags != want {
		t.Errorf("flags %+v, expected %+v", flags, want)
	}
}

func (v video) testMediacommon(t *testing.T) {
	var got fmp4.Init
	if err := got.Unmarshal(bytes.NewReader(v.init)); err != nil {
		t.Fatal(err)
	}
	sets := v.units[0].Format.ParameterSets
	var want codecs.Codec = &codecs.H264{SPS: sets[0], PPS: sets[1]}
	if v.codec == h26x.H265 {
		want = &codecs.H265{VPS: sets[0], SPS: sets[1], PPS: sets[2]}
	}
	if len(got.Tracks) != 1 || got.Tracks[0].TimeScale != Timescale || !reflect.DeepEqual(got.Tracks[0].Codec, want) {
		t.Errorf("got %+v", got.Tracks[0])
	}
	var parts fmp4.Parts
	if err := parts.Unmarshal(slices.Concat(v.wires...)); err != nil || len(parts) != len(v.units) {
		t.Fatalf("%d fragments, %v", len(parts), err)
	}
	for i, part := range parts {
		sample, u := part.Tracks[0].Samples[0], v.units[i]
		if sample.IsNonSyncSample == u.Key || !bytes.Equal(sample.Payload, v.wires[i][HeadSize:]) || int64(sample.PTSOffset) != Ticks(u.PTS)-Ticks(u.DTS) {
			t.Errorf("frame %d: got %+v", i, sample)
		}
	}
}

// A viewer that gets no disposable frames, and none of the frames in front of the keyframe at which it joins, decodes all that it gets.
func TestPartsOfAStreamDecode(t *testing.T) {
	s := encode(t, h26x.H265, "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1")
	init, wires, units := s.fragments(t)
	keys, kept, keptUnits := 0, [][]byte{}, []h26x.AccessUnit{}
	for i, u := range units {
		if u.Key {
			keys++
		}
		if keys < 2 || u.Disposable || keys == 2 && u.Leading {
			continue
		}
		kept, keptUnits = append(kept, wires[i]), append(keptUnits, u)
	}
	if got := testpeer.DecodedPictures(t, write(t, init, kept, keptUnits)); len(got) != len(kept) {
		t.Errorf("%d pictures of %d", len(got), len(kept))
	}
}

func TestSetTimeChangesNothingElse(t *testing.T) {
	_, wires, units := encode(t, h26x.H264, "").fragments(t)
	head := bytes.Clone(wires[3])
	SetTime(head[:HeadSize], 0x01020304, 0x05060708090A0B0C)
	f, err := mp4.DecodeFile(bytes.NewReader(head))
	if err != nil {
		t.Fatal(err)
	}
	moof := f.Segments[0].Fragments[0].Moof
	if moof.Mfhd.SequenceNumber != 0x01020304 || moof.Traf.Tfdt.BaseMediaDecodeTime() != 0x05060708090A0B0C || moof.Traf.Tfhd.DefaultSampleDuration != 3600 {
		t.Errorf("got %+v, %+v, %+v", moof.Mfhd, moof.Traf.Tfdt, moof.Traf.Tfhd)
	}
	fast := NewFragment(&h26x.AccessUnit{Interval: 20 * time.Millisecond, NALUs: units[3].NALUs})
	if f, err := mp4.DecodeFile(bytes.NewReader(fast)); err != nil || f.Segments[0].Fragments[0].Moof.Traf.Tfhd.DefaultSampleDuration != 1800 {
		t.Errorf("got %v", err)
	}
	SetTime(head[:HeadSize], 0, uint64(Ticks(units[3].DTS)))
	if !bytes.Equal(head, wires[3]) {
		t.Error("other bytes changed")
	}
}

func TestTicksAreExact(t *testing.T) {
	for _, ticks := range []int64{0, 1, 2, 3599, 3600, 3601, -1, -3601, 1 << 40, -1 << 40} {
		if got := Ticks(time.Duration(ticks * 100_000 / 9)); got != ticks {
			t.Errorf("%d became %d", ticks, got)
		}
	}
}

func BenchmarkNewFragment(b *testing.B) {
	format := &h26x.Format{}
	u := &h26x.AccessUnit{Format: format, PTS: time.Second, DTS: time.Second, NALUs: [][]byte{bytes.Repeat([]byte{0x41}, 20_000)}}
	b.ReportAllocs()
	b.SetBytes(20_000)
	for b.Loop() {
		_ = NewFragment(u)
	}
}

func BenchmarkSetTime(b *testing.B) {
	wire := NewFragment(&h26x.AccessUnit{NALUs: [][]byte{{0x41}}})
	b.ReportAllocs()
	for b.Loop() {
		head := [HeadSize]byte(wire)
		SetTime(head[:], 1, 2)
	}
}
