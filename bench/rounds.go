package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// runAll measures every case and adds a row for each to rep.
func (r *runner) runAll(ctx context.Context, cases []testCase, rep *report, progress io.Writer) error {
	for _, c := range cases {
		fmt.Fprintln(progress, "measuring", c.name)
		row, err := r.runRounds(ctx, c, rep.Servers)
		switch {
		case errors.Is(err, errSkip):
			rep.Skipped = append(rep.Skipped, fmt.Sprintf("%s: %v", c.name, err))
		case err != nil:
			return fmt.Errorf("%s: %w", c.name, err)
		default:
			row.summarize()
			rep.Rows = append(rep.Rows, row)
		}
	}
	return nil
}

// runRounds measures the servers in turn. Each round begins with another server, so that disturbances affect all alike.
func (r *runner) runRounds(ctx context.Context, c testCase, servers []string) (*row, error) {
	if c.servers != nil {
		servers = slices.DeleteFunc(slices.Clone(servers), func(s string) bool { return !slices.Contains(c.servers, s) })
	}
	row := newRow(c)
	var mu sync.Mutex
	for round := range c.rounds {
		turns, ctx := errgroup.WithContext(ctx)
		turns.SetLimit(1)
		if c.together {
			turns.SetLimit(len(servers))
		}
		for i := range servers {
			server := servers[(i+round)%len(servers)]
			turns.Go(func() error {
				samples, err := r.runCase(ctx, server, c)
				if err != nil {
					return fmt.Errorf("%s: %w", server, err)
				}
				mu.Lock()
				defer mu.Unlock()
				row.Samples[server] = append(row.Samples[server], samples)
				return nil
			})
		}
		if err := turns.Wait(); err != nil {
			return nil, err
		}
	}
	return row, nil
}
