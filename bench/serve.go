package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"camd/internal/timerslack"
)

// publisher publishes frames of size bytes, fps times a second. If key is not 0, they are H.264, and each keyframe has key bytes.
type publisher struct {
	size, fps, key int
}

// servers are the servers written in Go. Each serves the frames of p on l until ctx ends.
var servers = map[string]func(ctx context.Context, l net.Listener, p publisher) error{
	"camd":     serveCamd,
	"tutorial": serveTutorial,
}

// serve runs a server process. args are NAME SIZE FPS ADDRESS and optionally KEY. It prints its port, and ends when stdin does, so that no
// server outlives the benchmark.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 4 {
		args = append(args, "0")
	}
	if len(args) != 5 || servers[args[0]] == nil {
		return fmt.Errorf("serve %q: want NAME SIZE FPS ADDRESS [KEY]", args)
	}
	if args[0] == "camd" {
		// As the daemon does. The race detector links C code; figures from it mean nothing.
		if err := timerslack.SetAtLeast(timerslack.Recommended); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	var p publisher
	for i, n := range map[int]*int{1: &p.size, 2: &p.fps, 4: &p.key} {
		var err error
		if *n, err = strconv.Atoi(args[i]); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp4", net.JoinHostPort(args[3], "0"))
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, l.Addr().(*net.TCPAddr).Port)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	return servers[args[0]](ctx, l, p)
}

// run calls publish for each frame until ctx ends.
func (p publisher) run(ctx context.Context, publish func(seq uint64, captured int64)) error {
	period := time.Second / time.Duration(p.fps)
	timer, start, err := newTimer(period)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = timer.Close() })
	defer stop()
	schedule(timer, start, period, publish)
	return nil
}
