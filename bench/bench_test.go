package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test program also be the server process, because the benchmark starts os.Executable for that.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// smallCase returns a case with three viewers for a second that check every byte.
func smallCase() testCase {
	c := fanoutCase(20_000, 3)
	c.rounds, c.warm, c.measure, c.verify = 1, 100*time.Millisecond, time.Second, true
	return c
}

// measureFrames runs a case. While the first group gets fewer than that many frames, as on a busy machine, it tries a longer window.
func (r *runner) measureFrames(t *testing.T, server string, c testCase, frames int) sample {
	t.Helper()
	for {
		samples, err := r.runCase(t.Context(), server, c)
		if err != nil {
			t.Fatal(err)
		}
		if samples[0].Groups[0].Frames >= frames {
			return samples[0]
		}
		if c.measure > time.Minute {
			t.Fatalf("%s: %d frames in %v, want %d", server, samples[0].Groups[0].Frames, c.measure, frames)
		}
		c.measure *= 2
	}
}

func newTestRunner(t *testing.T) *runner {
	t.Helper()
	r, err := newRunner(t.Context(), t.TempDir(), options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestServersDeliverWholeFrames(t *testing.T) {
	r := newTestRunner(t)
	for _, server := range []string{"floor", "floor-lowat", "camd", "tutorial"} {
		for _, size := range []int{64, 100_000} {
			t.Run(fmt.Sprintf("%s/%d", server, size), func(t *testing.T) {
				c := smallCase()
				c.size = size
				s := r.measureFrames(t, server, c, 3)
				g := s.Groups[0]
				if g.Viewers != 3 || g.Torn != 0 || g.Cut != 0 {
					t.Errorf("%+v, want 3 viewers with whole frames", g)
				}
				// The window may cut a frame of each viewer in two, at either end; the rest is headers.
				if pictures := g.Frames * size; g.Bytes < pictures-3*size || g.Bytes > pictures+3*size+(g.Frames+3)*300 {
					t.Errorf("%d bytes for %d frames", g.Bytes, g.Frames)
				}
				if s.CPU <= 0 {
					t.Error("no CPU time")
				}
			})
		}
	}
}

// The fragments of a stream of video arrive whole, too, keyframes and others.
func TestServersDeliverWholeFragments(t *testing.T) {
	r := newTestRunner(t)
	for _, server := range []string{"floor", "camd"} {
		t.Run(server, func(t *testing.T) {
			c := videoCase(3)
			c.rounds, c.warm, c.verify = 1, 100*time.Millisecond, true
			if g := r.measureFrames(t, server, c, 3*groupLength).Groups[0]; g.Viewers != 3 || g.Torn != 0 || g.Cut != 0 {
				t.Errorf("%+v, want 3 viewers with whole frames", g)
			}
		})
	}
}

// A throttled and a stalled viewer get fewer frames than a fast one.
func TestThrottledViewersGetFewerFrames(t *testing.T) {
	r, c := newTestRunner(t), smallCase()
	c.size, c.phases = 100_000, [][]string{{"1:0", "1:500000", "1:-1"}}
	s := r.measureFrames(t, "floor", c, 10)
	fast, slow, stalled := s.Groups[0], s.Groups[1], s.Groups[2]
	if fast.Frames < slow.Frames || slow.Bytes == 0 || float64(slow.Bytes) > 1_000_000*s.Window || stalled.Bytes > 10_000 {
		t.Errorf("fast %+v, throttled %+v, stalled %+v in %.1f s", fast, slow, stalled, s.Window)
	}
}

func TestSummarizeTakesMediansAndRatios(t *testing.T) {
	one := func(cpu float64, frames int, age float64) []sample {
		return []sample{{CPU: cpu, Window: 1, Groups: []groupResult{{Viewers: 1, Frames: frames, Bytes: frames * 1e6, AgeP99: age}}}}
	}
	r := newRow(fanoutCase(100_000, 1))
	r.Samples = map[string][][]sample{
		"floor": {one(1, 100, 1), one(2, 100, 2), one(1, 100, 1)},
		"camd":  {one(2, 100, 3), one(2, 100, 2), one(3, 100, 1)},
	}
	r.summarize()
	got := r.Figures["camd"]
	want := figures{CPUMicros: 2e4, Per1000: 20, PerGB: 20, Ratio: 2, BothRatio: 2, RatioRange: [2]float64{1, 3}, AgeP99: 2, AgeRatio: 1, FramesPerS: 100}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The whole program, on one small case of each kind.
func TestReportHasTableJSONAndSVG(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r, rep := newTestRunner(t), newReport([]string{"floor", "camd"})
	slow, mixedCase := smallCase(), smallCase()
	slow.kind, slow.together, slow.phases = slowLink, true, [][]string{{"1:0", "1:1000000", "1:300000"}}
	mixedCase.kind, mixedCase.phases = mixed, [][]string{{"3"}, {"3", "1:-1", "1:100000"}}
	if err := r.runAll(t.Context(), []testCase{smallCase(), slow, mixedCase}, rep, io.Discard); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := rep.writeTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Fan-out", "Slow links", "Mixed", "Noise", "floor", "camd"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, &table)
		}
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	if err := rep.writeJSON(file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(b, &back); err != nil || len(back.Rows) != 3 || math.IsNaN(back.Rows[0].Figures["camd"].Ratio) {
		t.Errorf("JSON: %v, %d cases", err, len(back.Rows))
	}
	for d := xml.NewDecoder(strings.NewReader(rep.draw())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("SVG: %v", err)
		}
	}
}

func TestPlanFitsTimeLimit(t *testing.T) {
	for _, tt := range []struct {
		quick bool
		most  time.Duration
	}{{false, 5 * time.Minute}, {true, 40 * time.Second}} {
		var sum time.Duration
		for _, c := range plan(options{quick: tt.quick}) {
			servers := 3
			if c.servers != nil {
				servers = len(c.servers)
			}
			if c.together {
				servers = 1
			}
			sum += time.Duration(c.rounds*servers) * (400*time.Millisecond + time.Duration(len(c.phases))*(200*time.Millisecond+c.warm+c.measure))
		}
		if sum > tt.most {
			t.Errorf("quick %v: takes about %v, want at most %v", tt.quick, sum, tt.most)
		}
		t.Logf("quick %v: about %v", tt.quick, sum)
	}
}
