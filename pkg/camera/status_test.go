package camera

import "testing"

func TestRenditionSizeKeepsProportions(t *testing.T) {
	for _, tt := range []struct{ rendition, width, height, wantWidth, wantHeight int }{
		{0, 1920, 1080, 1920, 1080},    // main
		{640, 1920, 1080, 640, 360},    // smaller
		{640, 320, 240, 320, 240},      // nothing is made larger
		{100, 1920, 1080, 100, 56},     // an even height
		{101, 1000, 990, 101, 100},     // the same, rounded up
		{320, 65500, 1, 320, 2},        // at least two rows
		{1920, 1920, 1081, 1920, 1081}, // as it comes
	} {
		if w, h := (Rendition{Width: tt.rendition}).Size(tt.width, tt.height); w != tt.wantWidth || h != tt.wantHeight {
			t.Errorf("%+v: got %dx%d", tt, w, h)
		}
	}
}

func TestStreamState(t *testing.T) {
	s := Status{State: Live, Streams: []Stream{{Name: Main, StateChange: StateChange{State: Live}}, {Name: "preview", StateChange: StateChange{State: Offline, Reason: Undecodable}}}}
	for rendition, want := range map[string]State{Main: Live, "preview": Offline, "unknown": Live} {
		if got := s.StreamState(rendition).State; got != want {
			t.Errorf("%s: %s, want %s", rendition, got, want)
		}
	}
	s = Status{State: Stalled, Reason: Frozen}
	if got := s.StreamState(Main); got != (StateChange{State: Stalled, Reason: Frozen}) {
		t.Errorf("without streams: %+v", got)
	}
}

func TestAnotherDetailIsNoNewState(t *testing.T) {
	before := StateChange{State: Offline, Reason: Timeout, Detail: "no answer in 5s"}
	for want, changes := range map[bool][]StateChange{
		false: {before, {State: Offline, Reason: Timeout, Detail: "no answer in 6s"}},
		true:  {{State: Stalled, Reason: Timeout}, {State: Offline, Reason: Auth}, {}},
	} {
		for _, c := range changes {
			if c.IsNew(before) != want {
				t.Errorf("%+v after %+v: want new %v", c, before, want)
			}
		}
	}
}
