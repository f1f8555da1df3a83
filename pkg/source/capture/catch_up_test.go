package capture

import (
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"camd/pkg/media"
	"camd/pkg/media/h26x"
	"camd/pkg/source/framenumber"
	"camd/pkg/source/wire"
)

// testReordered runs a test with the frames of each of several videos, in groups that begin with a keyframe. The videos have B-frames. In an
// open group, leading frames follow the keyframe. (A keyframe of H.264 is an IDR picture, so its groups are closed.)
func testReordered(t *testing.T, test func(t *testing.T, groups [][]codedFrame)) {
	for name, v := range map[string]numberedVideo{
		"h264":          {codec: h26x.H264, args: []string{"-bf", "3", "-x264-params", "b-adapt=0:b-pyramid=normal:keyint=12"}},
		"h265":          {codec: h26x.H265, args: []string{"-x265-params", "bframes=3:b-adapt=0:keyint=12:no-open-gop=1:log-level=none"}},
		"h265 open GOP": {codec: h26x.H265, args: []string{"-x265-params", "bframes=3:b-adapt=0:keyint=12:open-gop=1:log-level=none"}},
	} {
		t.Run(name, func(t *testing.T) {
			v.width, v.height, v.fps, v.frames = 320, 192, 25, 60
			var groups [][]codedFrame
			for _, f := range v.encode(t) {
				if f.header.Key {
					groups = append(groups, nil)
				}
				groups[len(groups)-1] = append(groups[len(groups)-1], f)
			}
			if len(groups) < 5 {
				t.Fatalf("%d groups", len(groups))
			}
			test(t, groups)
		})
	}
}

// decodable returns the frames of a group with which decoding begins.
func decodable(group []codedFrame) (frames []codedFrame) {
	return slices.DeleteFunc(slices.Clone(group), func(f codedFrame) bool { return f.header.Leading })
}

// last returns the frame with Last set.
func (f codedFrame) last() codedFrame {
	f.header.Last = true
	return f
}

// hidden returns the frame with Hidden set.
func (f codedFrame) hidden() codedFrame {
	f.header.Hidden = true
	return f
}

// checkPictures decodes frames. The last of them has Last set. The pictures must be those that are wanted, in that order. Each must show its
// number and have the Count and Captured of its frame.
func checkPictures(t *testing.T, frames, want []codedFrame) {
	t.Helper()
	queue := newInputQueue(func(string, int64) {})
	for _, f := range frames {
		in := f.input(t)
		in.arrived += int64(testFuture)
		queue.push(in)
	}
	first, err := queue.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := newVideoInput(t.Context(), queue, media.DefaultLimits, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.close()
	picture := gocv.NewMat()
	defer picture.Close()
	for _, f := range want {
		if err := decoder.next(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if !decoder.retrieve(&picture) {
			t.Fatal("no picture")
		}
		img, err := picture.ToImage()
		if err != nil {
			t.Fatal(err)
		}
		n, _ := framenumber.Decode(img)
		if n != f.number || decoder.count() != f.header.Count || decoder.captured() != f.header.Captured || decoder.isHidden() != f.header.Hidden {
			t.Fatalf("picture %d with Count %d, Captured %d, hidden %t; want %d, %+v", n, decoder.count(), decoder.captured(), decoder.isHidden(), f.number, f.header)
		}
	}
}

// Only keyframes are fed. Each gives its picture before the next one comes.
func TestKeyframesAloneGiveTheirPictures(t *testing.T) {
	testReordered(t, func(t *testing.T, groups [][]codedFrame) {
		d := startDecoder(t, wire.Start{})
		for _, group := range append(groups, groups...) {
			d.feed(group[0].last())
			d.expect(group[0])
		}
	})
}

// Decoding goes from one keyframe to others, back to one of them with all frames after it, and then skips a group.
func TestDecodingBeginsAgainAtAnyKeyframe(t *testing.T) {
	testReordered(t, func(t *testing.T, groups [][]codedFrame) {
		fed := []codedFrame{groups[0][0].last(), groups[1][0], groups[2][0], groups[3][0].last()}
		want := slices.Clone(fed)
		for i, group := range [][]codedFrame{groups[1], groups[2], groups[4]} {
			fed = append(fed, group...)
			if i != 1 { // the only group that continues the one before
				group = decodable(group)
			}
			want = append(want, group...)
		}
		sortedRun := sortByNumber(want[4:])
		fed[len(fed)-1] = fed[len(fed)-1].last()
		checkPictures(t, fed, append(want[:4:4], sortedRun...))
	})
}

// A snapshot needs the picture of the newest frame, and no other.
func TestHiddenFramesGiveNoPicture(t *testing.T) {
	testReordered(t, func(t *testing.T, groups [][]codedFrame) {
		d := startDecoder(t, wire.Start{})
		for _, group := range groups[1:] {
			group = decodable(group)
			newest := group[len(group)-1]
			for _, f := range group[:len(group)-1] {
				d.feed(f.hidden())
			}
			d.feed(newest.last())
			d.expect(newest)
		}
	})
}

// A hidden frame stays hidden where it is shown later than frames that follow it.
func TestHiddenFramesAreReordered(t *testing.T) {
	testReordered(t, func(t *testing.T, groups [][]codedFrame) {
		for hidden := range 12 {
			fed := slices.Concat(decodable(groups[1]), groups[2])
			for i := range hidden {
				fed[i] = fed[i].hidden()
			}
			fed[len(fed)-1] = fed[len(fed)-1].last()
			checkPictures(t, fed, sortByNumber(fed))
		}
	})
}

// camd sees from heartbeats that a decoder catches up.
func TestHiddenFramesGiveHeartbeats(t *testing.T) {
	frames := numberedVideo{codec: h26x.H264, width: 320, height: 192, fps: 25, frames: 10, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
	d := startDecoder(t, wire.Start{})
	for _, f := range frames {
		d.feed(f.hidden())
	}
	beat, _ := awaitMessage[wire.Heartbeat](d.testDaemon)
	if i := int(beat.Count - frames[0].header.Count); i < 0 || i >= len(frames) || beat.Captured != frames[i].header.Captured {
		t.Errorf("got %+v", beat)
	}
}
