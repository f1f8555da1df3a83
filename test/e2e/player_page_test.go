package e2e

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/chromedp/chromedp"

	"camd/pkg/source/framenumber"
)

//go:embed testdata/player_page.js
var playerPageScript string

// playerPage is a page of camd in Chromium that gives frames to one player of the dashboard.
type playerPage struct {
	*browser
}

// playerFrame is a frame of the wall as players get it.
type playerFrame struct {
	Seq         int     `json:"seq"`
	Key         bool    `json:"key"`
	Placeholder bool    `json:"placeholder"`
	CatchUp     bool    `json:"catchUp"`
	Taken       float64 `json:"taken"`
	PTS         int64   `json:"pts"` // µs
	Offset      int64   `json:"offset"`
	Data        []byte  `json:"data"`
}

// playerStream is a stream of the wall as players get it.
type playerStream struct {
	Camera string `json:"camera"`
	Stream int    `json:"stream"`
	Track  string `json:"track"`
	Codec  string `json:"codec"`
	View   string `json:"view"`
	Init   []byte `json:"init"`

	frames []playerFrame // numbered from 1
}

// playerResult is what a player has reported.
type playerResult struct {
	Taken    []int           `json:"taken"`
	Pictures []playerPicture `json:"pictures"`
	Failed   []string        `json:"failed"`
	Details  struct{ Player, Decoder string }
}

type playerPicture struct {
	Seq         int     `json:"seq"`
	Taken       float64 `json:"taken"`
	Placeholder bool    `json:"placeholder"`
	Bits        string  `json:"bits"` // of the strip with the number
	Size        string  `json:"size"`
}

// number returns the number in a picture.
func (p playerPicture) number(t testing.TB) int {
	t.Helper()
	var number uint32
	for _, bit := range p.Bits[:32] {
		number = number<<1 | uint32(bit-'0')
	}
	var want strings.Builder
	for _, isWhite := range framenumber.Encode(number) {
		want.WriteByte(map[bool]byte{false: '0', true: '1'}[isWhite])
	}
	if want.String() != p.Bits {
		t.Errorf("the picture of frame %d has no number: %s", p.Seq, p.Bits)
	}
	return int(number)
}

// openPlayerPage opens a page of a daemon. "/assets/theme.js" is one without a content security policy.
func openPlayerPage(t testing.TB, d *daemon, path string) *playerPage {
	t.Helper()
	p := &playerPage{openBrowser(t, 800, 600)}
	p.do(chromedp.Navigate(d.URL + path))
	p.evaluate(playerPageScript + "; ''")
	return p
}

// call calls a function of player_page.js and returns its text.
func (p *playerPage) call(function string, arguments ...any) string {
	p.t.Helper()
	texts := make([]string, len(arguments))
	for i, a := range arguments {
		b, err := json.Marshal(a)
		if err != nil {
			p.t.Fatal(err)
		}
		texts[i] = string(b)
	}
	return p.evaluatePromise(fmt.Sprintf("(async () => playerPage.%s(%s))()", function, strings.Join(texts, ", ")))
}

// until waits until an expression is true in the page.
func (p *playerPage) until(expression string) {
	p.t.Helper()
	p.evaluatePromise("playerPage.until(() => " + expression + ")")
}

func (p *playerPage) result() (r playerResult) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.call("result")), &r); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// recordVideo returns n frames of a camera's video, as camd sends it.
func (d *daemon) recordVideo(id string, n int) *playerStream {
	d.t.Helper()
	from := dialVideo(d.t, d.videoURL(id), 0, unpaced)
	for range n {
		if _, err := from.next(); err != nil {
			d.t.Fatal(err)
		}
	}
	file, err := mp4.DecodeFile(bytes.NewReader(from.file.Bytes()))
	if err != nil {
		d.t.Fatal(err)
	}
	s := &playerStream{Camera: id, Stream: 7, Track: "video", View: "grid"}
	for _, segment := range file.Segments {
		for _, fragment := range segment.Fragments {
			samples, err := fragment.GetFullSamples(file.Init.Moov.Mvex.Trex)
			if err != nil {
				d.t.Fatal(err)
			}
			for _, sample := range samples {
				s.add(sample)
			}
		}
	}
	var init bytes.Buffer
	if err := file.Init.Encode(&init); err != nil {
		d.t.Fatal(err)
	}
	s.Init = init.Bytes()
	entry := file.Init.Moov.Trak.Mdia.Minf.Stbl.Stsd
	if entry.AvcX != nil {
		profile := entry.AvcX.AvcC.DecConfRec
		s.Codec = fmt.Sprintf("%s.%02x%02x%02x", entry.AvcX.Type(), profile.AVCProfileIndication, profile.ProfileCompatibility, profile.AVCLevelIndication)
	}
	return s
}

func (s *playerStream) add(sample mp4.FullSample) {
	const ticksPerMillisecond = 90
	microseconds := func(ticks int64) int64 { return ticks * 1000 / ticksPerMillisecond }
	seq := len(s.frames) + 1
	s.frames = append(s.frames, playerFrame{
		Seq: seq, Key: sample.IsSync(), Taken: float64(1000 * seq), Data: sample.Data,
		PTS: microseconds(int64(sample.DecodeTime) + int64(sample.CompositionTimeOffset)), Offset: microseconds(int64(sample.CompositionTimeOffset)),
	})
}

// checkOrder checks that the pictures that a player showed are in the order of presentation, and that each one that was read is that of its
// frame. The camera plays its clip of loop pictures again and again.
func (s *playerStream) checkOrder(t testing.TB, shown []playerPicture, loop int) {
	t.Helper()
	times := make([]int64, len(s.frames))
	for i, f := range s.frames {
		times[i] = f.PTS
	}
	slices.Sort(times)
	lastRank, offset := -1, -1
	for _, p := range shown {
		f := s.frames[p.Seq-1]
		rank, _ := slices.BinarySearch(times, f.PTS)
		if rank <= lastRank || p.Taken != f.Taken {
			t.Errorf("picture %d, taken at %v, was shown after picture %d", rank, p.Taken, lastRank)
		}
		lastRank = rank
		if p.Bits == "" {
			continue // a newer one has replaced it before it was read
		}
		if offset < 0 {
			offset = (p.number(t) - rank + loop) % loop
		}
		if want := (rank + offset) % loop; p.number(t) != want {
			t.Errorf("the picture of frame %d has number %d, expected %d", p.Seq, p.number(t), want)
		}
	}
}
