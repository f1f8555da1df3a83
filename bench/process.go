package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a server or the client while it runs.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer // a server ends when this is closed
	lines *bufio.Scanner
}

func startProcess(ctx context.Context, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd, stdin, bufio.NewScanner(stdout)}, nil
}

// readLine returns the next line that the process prints.
func (p *process) readLine() (string, error) {
	if p.lines.Scan() {
		return p.lines.Text(), nil
	}
	return "", fmt.Errorf("%s ended early", filepath.Base(p.cmd.Path))
}

// stop ends the process. If it does not end by itself within a second, it is killed.
func (p *process) stop() {
	_ = p.stdin.Close()
	kill := time.AfterFunc(time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
}

// rss returns the process's resident memory in bytes. It does not use the cheaper statm, which is wrong by some hundred pages.
func (p *process) rss() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), "\nRss:")
	kb, err := strconv.ParseFloat(strings.Fields(after + " ?")[0], 64)
	return kb * 1024, err
}

// machineCPUTime returns the sum of the busy times of all processors of this machine.
func machineCPUTime() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var ticks int64
	for i, field := range strings.Fields(line)[1:] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 && i < 8 { // 3 is idle and 4 is waiting for disks; from 8 on are guests, which user time includes
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
