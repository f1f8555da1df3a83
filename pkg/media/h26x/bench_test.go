package h26x

import (
	"slices"
	"testing"
	"time"
)

// benchmarkUnit is an access unit of about 20 KB: a frame of 1080p at 4 Mbit/s.
func benchmarkUnit(codec Codec, isKey bool) [][]byte {
	units := seedUnits[codec]
	first := slices.IndexFunc(units, func(nalu []byte) bool { return codec == H264 && nalu[0] == 0x65 || codec == H265 && nalu[0] == 0x26 })
	picture := slices.Clone(units[first+1])
	if isKey {
		picture = slices.Clone(units[first])
	}
	for len(picture) < 20_000 {
		picture = append(picture, byte(len(picture))|1)
	}
	if isKey {
		return append(slices.Clone(units[:first]), picture)
	}
	return [][]byte{picture}
}

// BenchmarkParse has copy as its baseline: the one allocation of a frame, and its bytes.
func BenchmarkParse(b *testing.B) {
	for _, codec := range []Codec{H264, H265} {
		track := NewTrack(codec, Options{})
		key, frame := benchmarkUnit(codec, true), benchmarkUnit(codec, false)
		if _, err := track.Parse(key, 0); err != nil {
			b.Fatal(err)
		}
		var pts time.Duration
		run := func(name string, parse func() (*AccessUnit, error)) {
			b.Run(string(codec)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(20_000)
				for b.Loop() {
					pts += 40 * time.Millisecond
					u, err := parse()
					if err != nil {
						b.Fatal(err)
					}
					_ = u.AppendTo(make([]byte, 0, u.Size()))
				}
			})
		}
		stream := annexB(frame)
		unit := AccessUnit{NALUs: frame}
		run("copy", func() (*AccessUnit, error) { return &unit, nil })
		run("frame", func() (*AccessUnit, error) { return track.Parse(frame, pts) })
		run("keyframe", func() (*AccessUnit, error) { return track.Parse(key, pts) })
		run("annexb", func() (*AccessUnit, error) { return track.ParseAnnexB(stream, pts) })
	}
}

func TestFrameIsOneAllocation(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		track := NewTrack(codec, Options{})
		for _, isKey := range []bool{true, false} {
			nalus, pts := benchmarkUnit(codec, isKey), time.Duration(0)
			n := testing.AllocsPerRun(50, func() {
				pts += 40 * time.Millisecond
				u, err := track.Parse(nalus, pts)
				if err != nil {
					t.Fatal(err)
				}
				_ = u.AppendTo(make([]byte, 0, u.Size()))
			})
			if n > 1 {
				t.Errorf("%s, key %v: %v allocations", codec, isKey, n)
			}
		}
	}
}
