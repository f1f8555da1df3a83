package capture

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"camd/pkg/source/wire"
)

// videoRecord is what a capture has sent of a video.
type videoRecord struct {
	opened    wire.Opened
	formats   []wire.VideoFormat
	frames    []wire.VideoFrame
	fragments [][]byte
	refused   map[string]uint64
	jpegs     int
	ended     wire.Ended
}

// recordVideo records the messages up to a number of frames, or up to the last message if count is 0. Then it stops the capture.
func recordVideo(d *testDaemon, count int) *videoRecord {
	d.t.Helper()
	r := &videoRecord{refused: map[string]uint64{}}
	for {
		msg := d.next()
		switch m := msg.Message.(type) {
		case wire.Opened:
			r.opened = m
		case wire.VideoFormat:
			r.formats = append(r.formats, m)
		case wire.VideoFrame:
			r.frames, r.fragments = append(r.frames, m), append(r.fragments, msg.picture)
			if len(r.frames) == 1 && len(r.formats) != 1 {
				d.t.Fatalf("%d formats before the first frame", len(r.formats))
			}
		case wire.Frame:
			r.jpegs++
		case wire.Refused:
			for cause, n := range m.Pictures {
				r.refused[cause] += n
			}
		case wire.Ended:
			r.ended = m
			return r
		}
		if count > 0 && len(r.frames) == count {
			d.send(wire.Stop{})
			count = -1
		}
	}
}

// file writes the video as a viewer gets it, and returns its path.
func (r *videoRecord) file(t *testing.T) string {
	t.Helper()
	b := r.formats[0].Init
	for _, fragment := range r.fragments {
		b = append(b, fragment...)
	}
	path := filepath.Join(t.TempDir(), "stream.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// truncate forgets all frames but the first.
func (r *videoRecord) truncate(count int) {
	r.frames, r.fragments = r.frames[:count], r.fragments[:count]
}

// checkTimes checks that decode times increase, and that the pictures are shown at a fixed interval, to a millisecond: that is the clock of
// Matroska.
func (r *videoRecord) checkTimes(t *testing.T, interval time.Duration) {
	t.Helper()
	var pts []time.Duration
	for i, f := range r.frames {
		if pts = append(pts, f.PTS); f.PTS < f.DTS {
			t.Fatalf("frame %d: PTS %v before DTS %v", i, f.PTS, f.DTS)
		}
		if i > 0 && (f.DTS <= r.frames[i-1].DTS || f.Count <= r.frames[i-1].Count || f.Captured < r.frames[i-1].Captured) {
			t.Fatalf("frame %d: %+v after %+v", i, f, r.frames[i-1])
		}
	}
	slices.Sort(pts)
	for i := 1; i < len(pts); i++ {
		if step := pts[i] - pts[i-1]; (step - interval).Abs() > 2*time.Millisecond {
			t.Errorf("picture %d comes %v after the one before, expected %v", i, step, interval)
		}
	}
}
