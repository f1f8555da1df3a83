package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// report holds everything that was measured.
type report struct {
	Machine string   `json:"machine"`
	Seconds float64  `json:"seconds"`
	Servers []string `json:"servers"`
	Skipped []string `json:"skipped,omitempty"`
	Rows    []*row   `json:"cases"`
}

// row holds the results of one case.
type row struct {
	Name    string                `json:"name"`
	Kind    caseKind              `json:"kind"`
	Size    int                   `json:"frame_bytes"`
	FPS     int                   `json:"fps"`
	Figures map[string]figures    `json:"figures"`
	Samples map[string][][]sample `json:"samples"` // by server, round and phase
}

// figures sum up a server's first phase, as medians over the rounds. Ages and rates are those of the first group. Ratios are relative
// to the floor in the same round, and 0 without a floor.
type figures struct {
	CPUMicros  float64    `json:"cpu_us_per_frame"`
	Per1000    float64    `json:"cpu_s_per_1000_frames"`
	PerGB      float64    `json:"cpu_s_per_gb"`
	Ratio      float64    `json:"cpu_to_floor"`
	RatioRange [2]float64 `json:"cpu_to_floor_range"`
	BothRatio  float64    `json:"cpu_with_client_to_floor"` // with the client's CPU time, because on one machine work can move between server and client
	AgeP50     float64    `json:"age_p50_ms"`
	AgeP99     float64    `json:"age_p99_ms"`
	AgeMax     float64    `json:"age_max_ms"`
	AgeRatio   float64    `json:"age_p99_to_floor"`
	FPSMin     float64    `json:"fps_min"`
	FPSMedian  float64    `json:"fps_median"`
	FramesPerS float64    `json:"frames_per_s"`
	RSS        float64    `json:"rss_per_viewer_bytes"`
}

func newReport(servers []string) *report {
	var u unix.Utsname
	_ = unix.Uname(&u)
	machine := fmt.Sprintf("%d CPUs, Linux %s, %s", runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version())
	return &report{Machine: machine, Servers: servers}
}

func newRow(c testCase) *row {
	return &row{Name: c.name, Kind: c.kind, Size: c.size, FPS: c.fps, Samples: map[string][][]sample{}}
}

// rowsOf returns the rows of a kind.
func (r *report) rowsOf(k caseKind) []*row {
	return slices.DeleteFunc(slices.Clone(r.Rows), func(row *row) bool { return row.Kind != k })
}

func (r *report) writeJSON(name string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}

// summarize computes the figures of all servers.
func (r *row) summarize() {
	r.Figures = map[string]figures{}
	for server, rounds := range r.Samples {
		mid := func(f func(sample) float64) float64 { return median(r.perRound(rounds, f)) }
		first := func(f func(groupResult) float64) float64 { return r.group(server, 0, 0, f) }
		f := figures{
			CPUMicros:  mid(cpuMicros),
			Per1000:    mid(cpuMicros) / 1000,
			PerGB:      mid(func(s sample) float64 { return ratio(s.CPU, s.bytes()/1e9) }),
			AgeP50:     first(ageP50),
			AgeP99:     first(ageP99),
			AgeMax:     first(ageMax),
			FPSMin:     first(fpsMin),
			FPSMedian:  first(fpsMedian),
			FramesPerS: mid(func(s sample) float64 { return s.frames() / s.Window }),
			RSS:        mid(func(s sample) float64 { return s.RSS }),
		}
		cpu := r.relativeToFloor(rounds, cpuMicros)
		f.Ratio, f.AgeRatio = median(cpu), median(r.relativeToFloor(rounds, func(s sample) float64 { return s.Groups[0].AgeP99 }))
		f.BothRatio = median(r.relativeToFloor(rounds, func(s sample) float64 { return ratio(s.CPU+s.ClientCPU, s.frames()) }))
		if len(cpu) > 0 {
			f.RatioRange = [2]float64{slices.Min(cpu), slices.Max(cpu)}
		}
		r.Figures[server] = f
	}
}

// perRound returns a figure of the first phase of every round.
func (r *row) perRound(rounds [][]sample, f func(sample) float64) []float64 {
	var values []float64
	for _, phases := range rounds {
		values = append(values, f(phases[0]))
	}
	return values
}

// group returns the median over the rounds of a figure of one group in a phase.
func (r *row) group(server string, phase, group int, f func(groupResult) float64) float64 {
	var values []float64
	for _, phases := range r.Samples[server] {
		values = append(values, f(phases[phase].Groups[group]))
	}
	return median(values)
}

// relativeToFloor divides a figure by the floor's, round by round.
func (r *row) relativeToFloor(rounds [][]sample, f func(sample) float64) []float64 {
	floor := r.perRound(r.Samples["floor"], f)
	ratios := r.perRound(rounds, f)
	if len(floor) == 0 {
		return nil
	}
	for i := range ratios {
		ratios[i] = ratio(ratios[i], floor[i])
	}
	return ratios
}

func frames(g groupResult) float64    { return float64(g.Frames) }
func lost(g groupResult) float64      { return float64(g.Lost) }
func ageP50(g groupResult) float64    { return g.AgeP50 }
func ageP99(g groupResult) float64    { return g.AgeP99 }
func ageMax(g groupResult) float64    { return g.AgeMax }
func fpsMin(g groupResult) float64    { return g.FPSMin }
func fpsMedian(g groupResult) float64 { return g.FPSMedian }

func cpuMicros(s sample) float64 { return ratio(s.CPU*1e6, s.frames()) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// median returns the median of values, or 0 if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
