package e2e

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
)

//go:embed testdata/mse_page.js
var msePageScript string

// openMSEPage opens a page and a player with Media Source Extensions in it.
func openMSEPage(t testing.TB, d *daemon, stream *playerStream) *playerPage {
	t.Helper()
	p := openPlayerPage(t, d, "/assets/theme.js")
	p.evaluate(msePageScript + "; ''")
	p.call("openMSE", stream)
	return p
}

// maxReordered is how many frames a decoder keeps until it gets the next ones.
const maxReordered = 3

// play writes frames at their rate and waits until the picture of the last one is shown, or of one of the reordered frames around it.
func (p *playerPage) play(frames []playerFrame) {
	p.t.Helper()
	p.call("writeAtRate", frames)
	p.until(fmt.Sprintf("playerPage.failed.length > 0 || playerPage.pictures.at(-1)?.seq >= %d", frames[len(frames)-1].Seq-maxReordered))
}

// checkPlayed checks what a player has shown of a stream, and that it has acknowledged all frames.
func (p *playerPage) checkPlayed(stream *playerStream) playerResult {
	p.t.Helper()
	p.until(fmt.Sprintf("playerPage.failed.length > 0 || playerPage.taken.at(-1) === %d", stream.frames[len(stream.frames)-1].Seq))
	r := p.result()
	if len(r.Failed) != 0 || !slices.IsSorted(r.Taken) || len(r.Pictures) == 0 {
		p.t.Fatalf("failed %q; taken %v; %d pictures", r.Failed, r.Taken, len(r.Pictures))
	}
	stream.checkShown(p.t, r.Pictures, 2)
	return r
}

// maxNewer is by how many pictures a report may be late. It is less than a clip has, in which the numbers begin again.
const maxNewer = 50

// checkShown checks that the pictures were shown in their order, and that each was on the screen when the player reported it. A browser reports
// a picture late, so newer ones may have been shown after it: up to that number for most reports, and more on a busy machine.
func (s *playerStream) checkShown(t testing.TB, shown []playerPicture, late int) {
	t.Helper()
	order, numbers := s.inOrder(), s.numbers(t)
	last := -1
	var newer []int // pictures shown after the reported one, for each report
	for _, p := range shown {
		rank := slices.IndexFunc(order, func(f playerFrame) bool { return f.Seq == p.Seq })
		if rank <= last {
			t.Errorf("picture %d was shown after picture %d", rank, last)
		}
		last = rank
		n := slices.Index(numbers[rank:min(rank+maxNewer, len(numbers))], uint32(p.number(t)))
		if n < 0 {
			t.Errorf("the screen had number %d for picture %d; expected %d or a later one", p.number(t), rank, numbers[rank])
		}
		newer = append(newer, n)
	}
	slices.Sort(newer)
	if len(newer) > 0 && newer[len(newer)/2] > late {
		t.Errorf("pictures are reported when %d newer ones have been shown, want at most %d", newer[len(newer)/2], late)
	}
}

// inOrder returns the frames in the order of presentation.
func (s *playerStream) inOrder() []playerFrame {
	return slices.SortedFunc(slices.Values(s.frames), func(a, b playerFrame) int { return int(a.PTS - b.PTS) })
}

// numbers returns the numbers in the pictures, as ffmpeg decodes them, in the order of presentation.
func (s *playerStream) numbers(t testing.TB) []uint32 {
	t.Helper()
	file := bytes.Clone(s.Init)
	for _, f := range s.frames {
		unit := &h26x.AccessUnit{PTS: time.Duration(f.PTS) * time.Microsecond, DTS: time.Duration(f.PTS-f.Offset) * time.Microsecond, Key: f.Key}
		for b := f.Data; len(b) > 4; {
			n := 4 + binary.BigEndian.Uint32(b)
			unit.NALUs, b = append(unit.NALUs, b[4:n]), b[n:]
		}
		file = fmp4.AppendFragment(file, unit)
	}
	return decodeVideo(t, bytes.NewReader(file), clipSize, "-i", "pipe:0").read(len(s.frames))
}
