package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// runner starts the measured programs: the C programs in dir, this program (self) and another build of it (baseline).
type runner struct{ dir, self, baseline string }

func newRunner(ctx context.Context, dir string, c options) (*runner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &runner{dir: dir, self: self, baseline: c.baseline}, compile(ctx, dir)
}

// groupResult is the result of a group of viewers, as the client prints it.
type groupResult struct {
	Viewers   int     `json:"viewers"`
	Rate      int     `json:"rate"`
	Frames    int     `json:"frames"`
	Bytes     int     `json:"bytes"`
	Lost      int     `json:"lost"`
	Torn      int     `json:"torn"`
	Cut       int     `json:"cut"`
	AgeP50    float64 `json:"age_p50_ms"`
	AgeP99    float64 `json:"age_p99_ms"`
	AgeMax    float64 `json:"age_max_ms"`
	FPSMin    float64 `json:"fps_min"`
	FPSMedian float64 `json:"fps_median"`
	FPSMax    float64 `json:"fps_max"`
}

// sample is one measuring window.
type sample struct {
	Groups    []groupResult `json:"groups"`
	CPU       float64       `json:"server_cpu_s"`
	ClientCPU float64       `json:"client_cpu_s"`
	Window    float64       `json:"window_s"`
	OtherLoad float64       `json:"others"` // share of the machine's CPU time that other processes used
	RSS       float64       `json:"rss_per_viewer_bytes"`
}

func (s sample) frames() (n float64) {
	for _, g := range s.Groups {
		n += float64(g.Frames)
	}
	return n
}

func (s sample) bytes() (n float64) {
	for _, g := range s.Groups {
		n += float64(g.Bytes)
	}
	return n
}

// serverCommand returns the command that starts a server, without the prefix for a namespace.
func (r *runner) serverCommand(server string, c testCase, address string) []string {
	size, fps, key := strconv.Itoa(c.size), strconv.Itoa(c.fps), strconv.Itoa(c.key)
	switch server {
	case "floor":
		return []string{filepath.Join(r.dir, "floor"), size, fps, "0", address, key}
	case "floor-lowat":
		return []string{filepath.Join(r.dir, "floor"), size, fps, "16384", address, key}
	case "before": // it may be older than keyframes
		return []string{r.baseline, "serve", "camd", size, fps, address}
	}
	return []string{r.self, "serve", server, size, fps, address, key}
}

// errSkip marks a case that cannot run on this machine.
var errSkip = errors.New("not here")

// runCase starts a server and measures the phases of a case.
func (r *runner) runCase(ctx context.Context, server string, c testCase) ([]sample, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	address := "127.0.0.1"
	var serverPrefix, clientPrefix []string // prefixes of commands
	if c.links {
		l, err := newLinks(ctx, fmt.Sprintf("camdbench%d-%s", os.Getpid(), server))
		if err != nil {
			return nil, errors.Join(errSkip, err)
		}
		defer l.remove()
		serverPrefix, clientPrefix, address = l.serverPrefix(), l.clientPrefix(), "0.0.0.0"
	}
	p, err := startProcess(ctx, append(serverPrefix, r.serverCommand(server, c, address)...)...)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	port, err := p.readLine()
	if err != nil {
		return nil, err
	}
	time.Sleep(200 * time.Millisecond) // until its memory without viewers is stable
	baseRSS, err := p.rss()
	if err != nil {
		return nil, err
	}
	var samples []sample
	for _, groups := range c.phases {
		args := append(clientPrefix, filepath.Join(r.dir, "client"), "-p", c.path(),
			"-s", strconv.Itoa(p.cmd.Process.Pid), "-w", millis(c.warm), "-m", millis(c.measure))
		if c.verify {
			args = append(args, "-v")
		}
		s, err := measureWindow(ctx, p, baseRSS, append(append(args, port), groups...))
		if err != nil {
			return nil, err
		}
		samples = append(samples, s)
	}
	return samples, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// measureWindow runs a client against a server that had baseRSS bytes in memory without viewers.
func measureWindow(ctx context.Context, server *process, baseRSS float64, args []string) (s sample, err error) {
	client, err := startProcess(ctx, args...)
	if err != nil {
		return s, err
	}
	defer client.stop()
	var busyTime [2]time.Duration // of the machine, at the start and at the end of the window
	for i := range busyTime {
		if _, err := client.readLine(); err != nil {
			return s, err
		}
		if busyTime[i], err = machineCPUTime(); err != nil {
			return s, err
		}
	}
	after, err := server.rss()
	if err != nil {
		return s, err
	}
	if err := s.readFigures(client); err != nil {
		return s, fmt.Errorf("client: %w", err)
	}
	otherCPU := (busyTime[1] - busyTime[0]).Seconds() - s.CPU - s.ClientCPU
	s.OtherLoad = max(otherCPU, 0) / s.Window / float64(runtime.NumCPU())
	viewers := 0
	for _, g := range s.Groups {
		viewers += g.Viewers
	}
	s.RSS = max(after-baseRSS, 0) / float64(viewers)
	return s, nil
}

// readFigures reads the client's results: a line about the window, and one for each group.
func (s *sample) readFigures(client *process) error {
	window, err := client.readLine()
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(window), s); err != nil {
		return err
	}
	for client.lines.Scan() {
		var g groupResult
		if err := json.Unmarshal(client.lines.Bytes(), &g); err != nil {
			return err
		}
		s.Groups = append(s.Groups, g)
	}
	if len(s.Groups) == 0 {
		return errors.New("no figures")
	}
	return nil
}
