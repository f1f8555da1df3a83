package wall

import (
	"testing"
	"time"
)

const (
	high = "avc1.640028"
	low  = "avc1.64001E"
	h265 = "hvc1.1.6.L93.B0"
)

func TestChoose(t *testing.T) {
	video := trackState{name: "video", exists: true, codec: high, sends: true}
	sub := trackState{name: "sub", exists: true, codec: low, sends: true}
	silent := func(t trackState) trackState { t.sends = false; return t }
	in := func(t trackState, codec string) trackState { t.codec = codec; return t }
	none := trackState{}
	jpeg := []string{"main", "preview"}
	cases := []struct {
		name    string
		c       candidates
		decodes string
		failed  string // track that the client has failed to decode
		level   linkLevel
		want    choice
	}{
		{"grid", candidates{viewGrid, video, sub, jpeg, false}, high, "", linkGood, choice{"sub", true, 0, ""}},
		{"full", candidates{viewFull, video, sub, jpeg, false}, high, "", linkGood, choice{"video", true, 0, ""}},
		{"grid without sub", candidates{viewGrid, video, none, jpeg, false}, high, "", linkGood, choice{"video", true, 0, ""}},
		{"grid with JPEGs alone", candidates{viewGrid, none, none, jpeg, false}, high, "", linkGood, choice{"preview", false, 0, ""}},
		{"full with JPEGs alone", candidates{viewFull, none, none, jpeg, false}, high, "", linkGood, choice{"main", false, 0, ""}},
		{"grid without preview", candidates{viewGrid, none, none, []string{"main"}, false}, high, "", linkGood, choice{"main", false, 0, ""}},

		{"no decoder", candidates{viewGrid, video, sub, jpeg, false}, "", "", linkGood, choice{"preview", false, 0, "decoder"}},
		{"no decoder, not open", candidates{viewFull, in(silent(video), ""), none, jpeg, true}, "", "", linkGood, choice{"main", false, 0, "decoder"}},
		{"sub in H.265", candidates{viewGrid, video, in(sub, h265), jpeg, false}, high, "", linkGood, choice{"video", true, 0, "decoder"}},
		{"video in H.265", candidates{viewFull, in(video, h265), sub, jpeg, false}, high, "", linkGood, choice{"sub", true, 0, "decoder"}},
		{"video of a higher level", candidates{viewFull, video, sub, jpeg, false}, low, "", linkGood, choice{"sub", true, 0, "decoder"}},
		{"video in H.265 alone", candidates{viewFull, in(video, h265), none, jpeg, false}, high, "", linkGood, choice{"main", false, 0, "decoder"}},
		{"video failed", candidates{viewFull, video, sub, jpeg, false}, high, "video", linkGood, choice{"sub", true, 0, "decoder"}},
		{"sub failed", candidates{viewGrid, video, sub, jpeg, false}, high, "sub", linkGood, choice{"video", true, 0, "decoder"}},

		{"offline", candidates{viewGrid, silent(video), silent(sub), jpeg, false}, high, "", linkGood, choice{"preview", false, 0, "camera"}},
		{"sub offline", candidates{viewGrid, video, silent(sub), jpeg, false}, high, "", linkGood, choice{"video", true, 0, "camera"}},
		{"not open", candidates{viewGrid, in(silent(video), ""), in(silent(sub), ""), jpeg, true}, high, "", linkGood, choice{"sub", true, 0, ""}},
		{"not open, full", candidates{viewFull, in(silent(video), ""), in(silent(sub), ""), jpeg, true}, high, "", linkGood, choice{"video", true, 0, ""}},
		{"not open again", candidates{viewFull, in(silent(video), h265), none, jpeg, true}, high, "", linkGood, choice{"main", false, 0, "decoder"}},
		{"codec not known", candidates{viewFull, in(video, ""), none, jpeg, false}, high, "", linkGood, choice{"video", true, 0, ""}},

		{"slow, full", candidates{viewFull, video, sub, jpeg, false}, high, "", linkSub, choice{"sub", true, 0, "link"}},
		{"slow, grid", candidates{viewGrid, video, sub, jpeg, false}, high, "", linkSub, choice{"sub", true, 0, ""}},
		{"slow without sub", candidates{viewFull, video, none, jpeg, false}, high, "", linkSub, choice{"main", false, time.Second, "link"}},
		{"slow, sub in H.265", candidates{viewGrid, video, in(sub, h265), jpeg, false}, high, "", linkSub, choice{"preview", false, time.Second, "link"}},
		{"slowest", candidates{viewFull, video, sub, jpeg, false}, high, "", linkJPEG, choice{"main", false, time.Second, "link"}},
		{"slowest, grid", candidates{viewGrid, video, sub, jpeg, false}, high, "", linkJPEG, choice{"preview", false, time.Second, "link"}},
		{"slowest with JPEGs alone", candidates{viewGrid, none, none, jpeg, false}, high, "", linkJPEG, choice{"preview", false, time.Second, "link"}},
		{"slowest, not open", candidates{viewGrid, in(silent(video), ""), none, jpeg, true}, high, "", linkJPEG, choice{"preview", false, time.Second, "link"}},
		{"slow and offline", candidates{viewFull, silent(video), silent(sub), jpeg, false}, high, "", linkSub, choice{"main", false, 0, "camera"}},
	}
	for _, c := range cases {
		can := decodable{}
		if c.decodes != "" {
			can, _ = parseDecodes([]string{c.decodes})
		}
		failed := func(track, codec string) bool { return track == c.failed }
		if got := choose(c.c, can, failed, c.level); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestParseView(t *testing.T) {
	for text, want := range map[string]view{"": viewGrid, "grid": viewGrid, "full": viewFull} {
		if got, err := parseView(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := parseView("Grid"); err == nil {
		t.Error("an unknown view is accepted")
	}
	if viewGrid.String() != "grid" || viewFull.String() != "full" {
		t.Errorf("%v, %v", viewGrid, viewFull)
	}
}
