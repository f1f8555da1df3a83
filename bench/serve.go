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

// publisher publishes frames of size bytes, fps times a second.
type publisher struct {
	size, fps int
}

// servers are the servers written in Go. Each serves the frames of p on l until ctx ends.
var servers = map[string]func(ctx context.Context, l net.Listener, p publisher) error{
	"camd":     serveCamd,
	"tutorial": serveTutorial,
}

// serve runs a server process. args are NAME SIZE FPS ADDRESS. It prints its port, and ends when stdin does, so that no server outlives
// the benchmark.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) != 4 || servers[args[0]] == nil {
		return fmt.Errorf("serve %q: want NAME SIZE FPS ADDRESS", args)
	}
	if args[0] == "camd" {
		// As the daemon does. The race detector links C code; figures from it mean nothing.
		if err := timerslack.SetAtLeast(timerslack.Recommended); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	fps, err := strconv.Atoi(args[2])
	if err != nil {
		return err
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
	return servers[args[0]](ctx, l, publisher{size, fps})
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
