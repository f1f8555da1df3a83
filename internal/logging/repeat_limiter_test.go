package logging

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// loggedLines returns the written lines, in the form "message camera suppressed".
func loggedLines(log *observer.ObservedLogs) (lines []string) {
	for _, e := range log.TakeAll() {
		m := e.ContextMap()
		lines = append(lines, fmt.Sprint(e.Message, " ", m["camera"], " ", m["suppressed"]))
	}
	return lines
}

func repeat(n int, line string) []string { return slices.Repeat([]string{line}, n) }

func TestRepeatedLinesAreLimitedPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, log := observer.New(zap.DebugLevel)
		root := zap.New(limitRepeats(core))
		yard := root.With(zap.String("camera", "yard"))
		for range 30 {
			yard.Warn("camera state")
			root.Warn("camera state", zap.String("camera", "hall")) // a kind of its own, because of its field
			root.Debug("detail")
		}
		got := loggedLines(log)
		for line, want := range map[string]int{"camera state yard <nil>": 20, "camera state hall <nil>": 20, "detail <nil> <nil>": 30} {
			if n := len(slices.DeleteFunc(slices.Clone(got), func(l string) bool { return l != line })); n != want {
				t.Errorf("%q was written %d times, want %d", line, n, want)
			}
		}

		// The next line of the kind reports the number. For the other kind a separate line does.
		time.Sleep(59 * time.Second)
		yard.Warn("camera state")
		if got := loggedLines(log); len(got) != 0 {
			t.Errorf("within the minute: %q", got)
		}
		time.Sleep(time.Second)
		root.Info("anything")
		got = loggedLines(log)
		slices.Sort(got)
		if want := []string{"anything <nil> <nil>", "lines suppressed hall 10", "lines suppressed yard 11"}; !slices.Equal(got, want) {
			t.Errorf("after it: %q, want %q", got, want)
		}
		yard.Warn("camera state")
		if got := loggedLines(log); !slices.Equal(got, repeat(1, "camera state yard <nil>")) {
			t.Errorf("a new minute: %q", got)
		}

		// A line about another remote host is another kind, but not one about another port.
		for port := range 25 {
			root.Info("viewer joined", zap.String("remote", fmt.Sprintf("192.0.2.1:%d", 1000+port)))
			root.Info("viewer joined", zap.String("remote", fmt.Sprintf("192.0.2.%d:80", 10+port)))
		}
		if got := loggedLines(log); len(got) != 20+25 {
			t.Errorf("%d lines of viewers, want 45", len(got))
		}
		_ = root.Sync()
		if got := loggedLines(log); !slices.Equal(got, repeat(1, "lines suppressed <nil> 5")) {
			t.Errorf("at the end: %q", got)
		}
	})
}

// The written and the suppressed lines together are all lines, and the number of counted kinds does not grow.
func TestWrittenAndSuppressedLinesAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, log := observer.New(zap.InfoLevel)
		limited := limitRepeats(core)
		root := zap.New(limited)
		var writers sync.WaitGroup
		const each, loggers = 2000, 8
		for i := range loggers {
			writers.Go(func() {
				for n := range each {
					root.Info("again", zap.String("camera", fmt.Sprint("cam", n%3)))
					time.Sleep(time.Duration(i+1) * 37 * time.Millisecond)
				}
			})
		}
		writers.Wait()
		_ = root.Sync()
		total, lines := 0, 0
		for _, e := range log.All() {
			n, _ := e.ContextMap()["suppressed"].(int64)
			total += int(n)
			if e.Message == "again" {
				lines++
			}
			if e.Time.IsZero() || e.Level != zapcore.InfoLevel {
				t.Fatalf("%+v", e)
			}
		}
		if all := each * loggers; total+lines != all || total == 0 {
			t.Errorf("%d written and %d suppressed of %d", lines, total, all)
		}
		for n := range 2 * maxLineKeys {
			root.Info(fmt.Sprint("kind ", n))
		}
		if n := len(limited.(*repeatLimiter).counts); n > maxLineKeys {
			t.Errorf("%d kinds are remembered", n)
		}
	})
}

// Clients with many addresses cannot fill the disk: those in a /64 count as one. If there are too many, all count as one.
func TestLinesOfManyAddressesAreLimited(t *testing.T) {
	for name, address := range map[string]string{"a /64": "2001:db8::%x", "anywhere": "2001:db8:%x::1"} {
		t.Run(name, func(t *testing.T) {
			core, log := observer.New(zap.InfoLevel)
			root := zap.New(limitRepeats(core))
			most := maxRepeats
			if name == "anywhere" {
				most += maxLineKeys
			}
			for n := range maxLineKeys + 1000 {
				root.Info("link.refused", zap.String("address", fmt.Sprintf(address, n)))
			}
			if got := log.Len(); got > most {
				t.Errorf("%d lines, want at most %d", got, most)
			}
		})
	}
}
