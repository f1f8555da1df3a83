package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// caseKind is the kind of a case. It decides how the results are shown.
type caseKind string

const (
	fanout   caseKind = "fan-out"
	slowLink caseKind = "slow links"
	mixed    caseKind = "mixed"
)

// testCase is a load on a server.
type testCase struct {
	name          string
	kind          caseKind
	size, fps     int
	key           int        // the size of each keyframe of an H.264 stream; 0 means JPEGs
	phases        [][]string // groups of viewers; each phase is another client on the same server
	rounds        int
	warm, measure time.Duration
	together      bool     // measure all servers at once, because the case has little work and long waits
	links         bool     // use network namespaces
	servers       []string // nil means all
	verify        bool     // check every byte; for tests only, because it takes time
}

func fanoutCase(size, n int) testCase {
	return testCase{
		name: fmt.Sprintf("%d KB x %d", size/1000, n), kind: fanout, size: size, fps: 30,
		phases: [][]string{{fmt.Sprint(n)}}, rounds: 3, warm: 500 * time.Millisecond, measure: 1300 * time.Millisecond,
	}
}

// path returns what viewers request.
func (t testCase) path() string {
	if t.key > 0 {
		return "/cameras/" + cameraID + "/stream.mp4"
	}
	return "/cameras/" + cameraID + "/stream.mjpg"
}

// videoCase returns a camera of 1080p25 at 4 Mbit/s with a keyframe every 2 s. The window is one group of pictures.
func videoCase(n int) testCase {
	return testCase{
		name: fmt.Sprintf("H.264 4 Mbit/s x %d", n), kind: fanout, size: 18_000, key: 118_000, fps: 25, servers: []string{"floor", "camd"},
		phases: [][]string{{fmt.Sprint(n)}}, rounds: 2, warm: time.Second, measure: 2 * time.Second,
	}
}

// plan returns the cases to measure. A full plan takes less than five minutes, a quick one less than 40 seconds.
func plan(c options) []testCase {
	var cases []testCase
	for _, size := range []int{20_000, 100_000} {
		for _, n := range []int{10, 100, 300, 1000} {
			if size == 20_000 || n < 1000 {
				cases = append(cases, fanoutCase(size, n))
			}
		}
	}
	cases = append(cases, videoCase(100), videoCase(300))
	saturation, crowd := fanoutCase(100_000, 1000), fanoutCase(20_000, 5000)
	saturation.name, saturation.rounds, saturation.measure = "saturation: 100 KB x 1000", 2, 2*time.Second
	crowd.name, crowd.rounds, crowd.fps, crowd.measure = "crowd: 20 KB x 5000 at 5 fps", 1, 5, 4*time.Second
	slow := testCase{name: "throttled readers", kind: slowLink, size: 100_000, fps: 30, phases: [][]string{{"1:0", "1:1000000", "1:300000"}},
		rounds: 1, warm: 9 * time.Second, measure: 4 * time.Second, together: true} // the kernel's buffers take so long to fill
	veth := slow
	veth.name, veth.links, veth.phases = "rate-limited veth", true, [][]string{linkGroups()}
	mixedCase := testCase{name: "mixed: 20 KB x 1000", kind: mixed, size: 20_000, fps: 30, rounds: 2,
		phases: [][]string{{"800"}, {"800", "100:-1", "100:100000"}}, warm: time.Second, measure: 3 * time.Second}
	cases = append(cases, saturation, crowd, slow, veth, mixedCase)
	if c.quick {
		cases = quickCases(cases)
	}
	cases = slices.DeleteFunc(cases, func(t testCase) bool { return !c.includes(t) })
	for i := range cases {
		if c.rounds > 0 {
			cases[i].rounds = c.rounds
		}
	}
	return cases
}

// quickCases returns one shorter case of each kind.
func quickCases(cases []testCase) []testCase {
	var few []testCase
	for _, t := range cases {
		switch t.name {
		case "20 KB x 100", "100 KB x 100":
			t.rounds, t.warm, t.measure = 2, 300*time.Millisecond, time.Second
		case "H.264 4 Mbit/s x 100":
			t.rounds, t.warm, t.measure = 1, 300*time.Millisecond, 1400*time.Millisecond
		case "throttled readers":
			t.warm, t.measure = 5*time.Second, 2*time.Second
		case "mixed: 20 KB x 1000":
			t.servers, t.rounds, t.warm, t.measure = []string{"camd"}, 1, 500*time.Millisecond, 1500*time.Millisecond
		default:
			continue
		}
		few = append(few, t)
	}
	return few
}

func (o options) includes(t testCase) bool {
	return len(o.cases) == 0 || slices.ContainsFunc(o.cases, func(word string) bool { return strings.Contains(t.name, word) })
}
