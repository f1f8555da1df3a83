package damagecheck

import (
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/media"
)

// A damaged picture is refused. Then all pictures are refused until three of those that were decoded are good.
func TestCheckRefusesDamagedPictures(t *testing.T) {
	whole := testpeer.DetailedJPEG(t, 320, 240)
	c := New(media.Limits{})
	if cause, _ := c.Refuse(testpeer.CutInScan(whole), true); cause != media.Damaged {
		t.Fatalf("got cause %q, want %q", cause, media.Damaged)
	}
	if cause, detail := c.Refuse(whole, true); cause != media.Unchecked || detail != "" {
		t.Errorf("got cause %q and %q, want %q", cause, detail, media.Unchecked)
	}
	if cause, detail := New(media.Limits{}).Refuse(testpeer.CutInScan(whole), true); cause != media.Damaged || !strings.Contains(detail, "blocks can be decoded") {
		t.Errorf("got cause %q and %q", cause, detail)
	}
	if cause, detail := New(media.Limits{}).Refuse(whole, true); cause != "" {
		t.Errorf("got cause %q and %q for a whole picture", cause, detail)
	}
}

// Decoding takes half a percent of a CPU for good pictures, a tenth while nobody watches, and five percent for damaged ones. The test measures the CPU time of decoding
// on this machine, and simulates 25 pictures a second.
func TestDamageCheckStaysWithinItsCPUShare(t *testing.T) {
	whole := testpeer.DetailedJPEG(t, 1280, 720)
	for _, tt := range []struct {
		name    string
		jpeg    []byte
		watched bool
		share   float64
		length  time.Duration
	}{
		{"whole", whole, true, normalCPUShare, time.Minute},
		{"whole, not watched", whole, false, unwatchedCPUShare, 5 * time.Minute},
		{"cut", testpeer.CutInScan(whole), true, damagedCPUShare, 6 * time.Second},
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
