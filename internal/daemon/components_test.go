package daemon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"camd/internal/configfile"
)

func TestLastComponentStopsWhenOthersHaveStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var stopped []string
		run := func(name string, after time.Duration) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(after)
				mu.Lock()
				defer mu.Unlock()
				stopped = append(stopped, name)
				return nil
			}
		}
		errBroken := errors.New("broken")
		err := runAll(t.Context(), []component{
			{name: "bus", run: run("bus", 0), stopsLast: true},
			{name: "cameras", run: run("cameras", 2*time.Second)},
			{name: "alerts", run: run("alerts", time.Second)},
			{name: "server", run: func(context.Context) error { return errBroken }},
			{name: "log"},
		})
		if want := []string{"alerts", "cameras", "bus"}; !slices.Equal(stopped, want) || !errors.Is(err, errBroken) {
			t.Errorf("stopped %q with %v, want %q with %v", stopped, err, want, errBroken)
		}
	})
}

func TestComponentsCommitInOrderOnceAllHavePrepared(t *testing.T) {
	var steps []string
	errRefused := errors.New("refused")
	components := func(refusal error) []component {
		steps = nil
		return []component{
			{name: "first", prepare: func(configfile.Loaded) (func(context.Context), error) {
				steps = append(steps, "prepare first")
				return func(context.Context) { steps = append(steps, "commit first") }, nil
			}},
			{name: "second", commit: func(context.Context, configfile.Loaded) { steps = append(steps, "commit second") }},
			{name: "third", prepare: func(configfile.Loaded) (func(context.Context), error) {
				steps = append(steps, "prepare third")
				return func(context.Context) { steps = append(steps, "commit third") }, refusal
			}},
		}
	}
	err := reloadAll(t.Context(), components(nil), configfile.Loaded{})
	if want := []string{"prepare first", "prepare third", "commit first", "commit second", "commit third"}; err != nil || !slices.Equal(steps, want) {
		t.Errorf("%q, %v; want %q", steps, err, want)
	}
	err = reloadAll(t.Context(), components(errRefused), configfile.Loaded{})
	if want := []string{"prepare first", "prepare third"}; !errors.Is(err, errRefused) || !slices.Equal(steps, want) {
		t.Errorf("%q, %v; want %q", steps, err, want)
	}
}
