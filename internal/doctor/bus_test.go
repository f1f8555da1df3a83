package doctor

import (
	"context"
	"testing"

	"camd/pkg/config"
)

func TestCheckBusReportsConnectionAndSites(t *testing.T) {
	for _, c := range []struct {
		name  string
		found BusReport
		want  []Severity
	}{
		{"nobody answers", BusReport{Problem: "connection refused"}, []Severity{Fail}},
		{"no site", BusReport{Server: "h:4222"}, []Severity{OK, Warn}},
		{"something forbidden", BusReport{Server: "h:4222", Problem: "permissions violation", Sites: map[string]int{"a": 1}}, []Severity{OK, Warn, OK}},
		{"more sites than there is room for", BusReport{Server: "h:4222", Sites: map[string]int{"a": 1}, Refused: map[string]uint64{"sites": 7}}, []Severity{OK, OK, Warn}},
		{"sites", BusReport{Server: "h:4222", Sites: map[string]int{"b": 1, "a": 2}}, []Severity{OK, OK, OK}},
	} {
		all := checkBus(t.Context(), func(context.Context) BusReport { return c.found })
		if len(all) != len(c.want) {
			t.Errorf("%s: %+v", c.name, all)
			continue
		}
		for i, f := range all {
			if f.Severity != c.want[i] {
				t.Errorf("%s: %+v, want %v", c.name, f, c.want[i])
			}
		}
	}
	if all := checkBus(t.Context(), nil); all != nil {
		t.Errorf("without a bus: %+v", all)
	}
	if p := (Target{ConfigName: "f", Config: &config.Config{Bus: &config.Bus{}}}); !p.isRelay() || checkConfig(p)[0].Severity != OK {
		t.Errorf("a relay without cameras: %+v", checkConfig(p))
	}
}
