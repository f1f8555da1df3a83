package damagecheck

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"camd/pkg/media"
)

// detailedImage returns a picture with details in every block.
func detailedImage(t testing.TB, width, height int) image.Image {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			n := uint8(random.UintN(32))
			img.Set(x, y, color.RGBA{uint8(x/4) + n, uint8(y/4) + n, uint8(x+y) + n, 255})
		}
	}
	return img
}

func detailedJPEG(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, detailedImage(t, width, height), &jpeg.Options{Quality: 75}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cutInScan cuts a picture in the middle of its data, and adds an end marker.
func cutInScan(b []byte) []byte {
	return append(bytes.TrimRight(bytes.Clone(b[:len(b)/2]), "\xff"), 0xFF, 0xD9)
}

// A damaged picture is refused. Then all pictures are refused until three of those that were decoded are good.
func TestCheckRefusesDamagedPictures(t *testing.T) {
	whole := detailedJPEG(t, 320, 240)
	c := New(media.Limits{})
	if cause, _ := c.Refuse(cutInScan(whole), true); cause != media.Damaged {
		t.Fatalf("got cause %q, want %q", cause, media.Damaged)
	}
	if cause, detail := c.Refuse(whole, true); cause != media.Unchecked || detail != "" {
		t.Errorf("got cause %q and %q, want %q", cause, detail, media.Unchecked)
	}
	if cause, detail := New(media.Limits{}).Refuse(cutInScan(whole), true); cause != media.Damaged || !strings.Contains(detail, "blocks can be decoded") {
		t.Errorf("got cause %q and %q", cause, detail)
	}
	if cause, detail := New(media.Limits{}).Refuse(whole, true); cause != "" {
		t.Errorf("got cause %q and %q for a whole picture", cause, detail)
	}
}

// Decoding takes half a percent of a CPU for good pictures, a tenth while nobody watches, and five percent for damaged ones. The test measures the CPU time of decoding
// on this machine, and simulates 25 pictures a second.
func TestDamageCheckStaysWithinItsCPUShare(t *testing.T) {
	whole := detailedJPEG(t, 1280, 720)
	for _, tt := range []struct {
		name    string
		jpeg    []byte
		watched bool
		share   float64
		length  time.Duration
	}{
		{"whole", whole, true, normalCPUShare, time.Minute},
		{"whole, not watched", whole, false, unwatchedCPUShare, 5 * time.Minute},
		{"cut", cutInScan(whole), true, damagedCPUShare, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s checkSchedule
			var total, last time.Duration
			decoded, now := 0, time.Duration(0)
			for ; now < tt.length; now += 40 * time.Millisecond {
				if !s.isDue(now) {
					continue
				}
				var err error
				last = cpuTime(func() { err = media.Verify(tt.jpeg, media.Limits{}) })
				s.record(now, last, err == nil, tt.watched)
				total += last
				decoded++
			}
			percent := float64(total-last) / float64(now) * 100
			t.Logf("%d bytes, %d of %d pictures decoded, %v each: %.3f %% of a CPU", len(tt.jpeg), decoded, now/(40*time.Millisecond), total/time.Duration(decoded), percent)
			if percent > tt.share || decoded < 2 {
				t.Errorf("%.3f %% of a CPU, want at most %v %%", percent, tt.share)
			}
		})
	}
}

func TestCheckScheduleDistrustsAfterDamage(t *testing.T) {
	const cost = 5 * time.Millisecond
	const usual, suspect = 2500 * time.Millisecond, 100 * time.Millisecond
	var s checkSchedule
	if !s.isDue(0) || !s.isTrusted() {
		t.Error("the first picture is not decoded")
	}
	now := time.Duration(0)
	for i, step := range []struct {
		good    bool
		next    time.Duration
		trusted bool
	}{
		{true, usual, true}, {true, usual, true},
		{false, suspect, false}, {false, suspect, false},
		{true, suspect, false}, {true, suspect, false}, {false, suspect, false},
		{true, suspect, false}, {true, suspect, false}, {true, usual, true},
	} {
		s.record(now, cost, step.good, true)
		if s.isDue(now+step.next-1) || !s.isDue(now+step.next) || s.isTrusted() != step.trusted {
			t.Errorf("step %d: next in %v, trusted %v; want %v, %v", i, s.next-now, s.isTrusted(), step.next, step.trusted)
		}
		now += step.next
	}
}
