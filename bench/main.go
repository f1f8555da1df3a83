package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// options are the options of the command line.
type options struct {
	quick               bool
	json, svg, baseline string
	servers, cases      []string
	rounds              int
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "serve" {
		if err := serve(ctx, args[1:], stdin, stdout); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
		return 0
	}
	c, err := parse(args, stderr)
	if err != nil {
		return 2
	}
	if err := bench(ctx, c, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var c options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&c.quick, "quick", os.Getenv("BENCH") == "quick", "less of everything, in 40 s; BENCH=quick does the same")
	flags.StringVar(&c.json, "json", "", "write all figures to `FILE`")
	flags.StringVar(&c.svg, "svg", "", "draw the ratios into `FILE`")
	flags.StringVar(&c.baseline, "against", "", "also measure the camd of another build of this `PROGRAM`, as before")
	flags.IntVar(&c.rounds, "rounds", 0, "how often the servers take turns; 0 means as planned")
	only := flags.String("only", "floor,camd,tutorial", "`servers` to measure")
	cases := flags.String("case", "", "measure only `cases` whose name contains one of these words")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c.servers = strings.Split(*only, ",")
	if c.baseline != "" && !slices.Contains(c.servers, "before") {
		c.servers = append(c.servers, "before")
	}
	if *cases != "" {
		c.cases = strings.Split(*cases, ",")
	}
	return c, nil
}

func bench(ctx context.Context, c options, stdout, stderr io.Writer) error {
	begun := time.Now()
	dir, err := os.MkdirTemp("", "camd-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r, err := newRunner(ctx, dir, c)
	if err != nil {
		return err
	}
	rep := newReport(c.servers)
	if err := r.runAll(ctx, plan(c), rep, stderr); err != nil {
		return err
	}
	rep.Seconds = time.Since(begun).Seconds()
	if err := rep.writeTable(stdout); err != nil {
		return err
	}
	if c.json != "" {
		if err := rep.writeJSON(c.json); err != nil {
			return fmt.Errorf("json: %w", err)
		}
	}
	if c.svg != "" {
		if err := os.WriteFile(c.svg, []byte(rep.draw()), 0o644); err != nil {
			return fmt.Errorf("svg: %w", err)
		}
	}
	return nil
}
