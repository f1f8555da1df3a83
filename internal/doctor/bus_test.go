package doctor

import (
	"context"
	"testing"

	"camd/pkg/config"
)

func TestBus(t *testing.T) {
	for _, c := range []struct {
		name  string
		found Bus
		want  []Verdict
	}{
		{"nobody answers", Bus{Problem: "connection refused"}, []Verdict{Fail}},
		{"no site", Bus{Server: "h:4222"}, []Verdict{OK, Warn}},
		{"something forbidden", Bus{Server: "h:4222", Problem: "permissions violation", Sites: map[string]int{"a": 1}}, []Verdict{OK, Warn, OK}},
		{"more sites than there is room for", Bus{Server: "h:4222", Sites: map[string]int{"a": 1}, Refused: map[string]uint64{"sites": 7}}, []Verdict{OK, OK, Warn}},
		{"sites", Bus{Server: "h:4222", Sites: map[string]int{"b": 1, "a": 2}}, []Verdict{OK, OK, OK}},
	} {
		all := shared(t.Context(), func(context.Context) Bus { return c.found })
		if len(all) != len(c.want) {
			t.Errorf("%s: %+v", c.name, all)
			continue
		}
		for i, f := range all {
			if f.Verdict != c.want[i] {
				t.Errorf("%s: %+v, want %v", c.name, f, c.want[i])
			}
		}
	}
	if all := shared(t.Context(), nil); all != nil {
		t.Errorf("without a bus: %+v", all)
	}
	if p := (Patient{Name: "f", Config: &config.Config{Bus: &config.Bus{}}}); !p.relay() || configuration(p)[0].Verdict != OK {
		t.Errorf("a relay without cameras: %+v", configuration(p))
	}
}
