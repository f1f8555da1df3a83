package audit

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

var (
	anna  = Actor{Name: "anna", Via: "session", Address: "192.0.2.17"}
	porch = Stream{Camera: "porch", Rendition: "main", Transport: "http1"}
)

func observedLog(level zapcore.Level) (*Log, *observer.ObservedLogs) {
	core, logs := observer.New(level)
	return New(zap.New(core)), logs
}

// A view has two lines, with the actor, the stream and the duration.
func TestViewIsStartAndEndRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail, logs := observedLog(zap.InfoLevel)
		begin := time.Now()
		trail.ViewStarted(anna, porch, "curl/8")
		time.Sleep(90 * time.Second)
		trail.ViewEnded(anna, porch, ViewStats{Since: begin, Frames: 2700, Dropped: 3, Bytes: 1 << 20, Reason: "left"})
		all := logs.AllUntimed()
		if len(all) != 2 || all[0].Message != "view.begin" || all[1].Message != "view.end" {
			t.Fatalf("got %+v", all)
		}
		for _, line := range all {
			got := line.ContextMap()
			for key, want := range map[string]any{
				"requester": "anna", "via": "session", "address": "192.0.2.17", "camera": "porch", "rendition": "main", "transport": "http1",
			} {
				if got[key] != want {
					t.Errorf("%s: %s is %v, want %v", line.Message, key, got[key], want)
				}
			}
		}
		end := all[1].ContextMap()
		if end["seconds"] != 90.0 || end["frames"] != uint64(2700) || end["dropped"] != uint64(3) || end["bytes"] != uint64(1<<20) || end["reason"] != "left" {
			t.Errorf("got %v", end)
		}
	})
}

// Snapshots of one actor are recorded at once, then once a minute, and at the end. All of them are counted.
func TestSnapshotsAreRecordedOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail, logs := observedLog(zap.InfoLevel)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { trail.Run(ctx) })
		const polls = 600 // ten minutes, one a second
		for range polls {
			trail.SnapshotTaken(anna, porch, 1000)
			time.Sleep(time.Second)
		}
		if n := logs.Len(); n < 8 || n > 11 {
			t.Errorf("%d lines in ten minutes", n)
		}
		other := anna
		other.Name = "bob"
		trail.SnapshotTaken(other, porch, 5)
		bobs := logs.Filter(func(line observer.LoggedEntry) bool { return line.ContextMap()["requester"] == "bob" }).AllUntimed()
		if len(bobs) != 1 || bobs[0].ContextMap()["frames"] != uint64(1) { // in the same instant, Run may write lines of anna
			t.Errorf("the first snapshot of another actor was not written at once: %v", bobs)
		}
		stop()
		running.Wait()
		frames, bytes := uint64(0), uint64(0)
		for _, line := range logs.AllUntimed() {
			if c := line.ContextMap(); c["requester"] == "anna" {
				frames += c["frames"].(uint64)
				bytes += c["bytes"].(uint64)
			}
		}
		if frames != polls || bytes != polls*1000 {
			t.Errorf("the lines have %d snapshots and %d bytes, want %d and %d", frames, bytes, polls, polls*1000)
		}
	})
}

// The key of an actor that has stopped is removed. The actor's next snapshot is recorded at once.
func TestIdleSnapshotKeysAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail, logs := observedLog(zap.InfoLevel)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { trail.Run(ctx) })
		trail.SnapshotTaken(anna, porch, 1)
		trail.SnapshotTaken(anna, porch, 1)
		time.Sleep(10 * time.Minute)
		trail.mu.Lock()
		kept := len(trail.snapshots)
		trail.mu.Unlock()
		if kept != 0 || logs.Len() != 2 {
			t.Errorf("got %d keys and %d lines, want 0 and 2", kept, logs.Len())
		}
		trail.SnapshotTaken(anna, porch, 1)
		if logs.Len() != 3 {
			t.Errorf("got %d lines after another snapshot, want 3", logs.Len())
		}
		stop()
		running.Wait()
	})
}

// Actors beyond the limit get more lines, but take no memory. All their snapshots are counted.
func TestSnapshotKeysAreBounded(t *testing.T) {
	trail, logs := observedLog(zap.InfoLevel)
	for i := range maxSnapshotKeys + 10 {
		p := Actor{Name: "anonymous", Address: string(rune(i + 1000))}
		trail.SnapshotTaken(p, porch, 1)
		trail.SnapshotTaken(p, porch, 1)
	}
	trail.flush(time.Now())
	frames := uint64(0)
	for _, line := range logs.AllUntimed() {
		frames += line.ContextMap()["frames"].(uint64)
	}
	if len(trail.snapshots) > maxSnapshotKeys || frames != 2*(maxSnapshotKeys+10) {
		t.Errorf("got %d keys and %d snapshots in the lines, want %d", len(trail.snapshots), frames, 2*(maxSnapshotKeys+10))
	}
}

func TestAddressesAreRedacted(t *testing.T) {
	for _, c := range []struct{ address, full, short string }{
		{"192.0.2.17", "192.0.2.17", "192.0.2.0/24"},
		{"2001:db8:1:2::3", "2001:db8:1:2::3", "2001:db8:1::/48"},
		{"::ffff:192.0.2.17", "::ffff:192.0.2.17", "192.0.2.0/24"},
		{"fe80::1%eth0", "fe80::1%eth0", "fe80::/48"},
		{"unix", "unix", "unix"},
		{"", "", ""},
	} {
		for how, want := range map[Addresses]string{Full: c.full, Short: c.short, None: ""} {
			trail, logs := observedLog(zap.InfoLevel)
			trail.SetAddresses(how)
			trail.Record(Logout, Actor{Name: "anna", Address: c.address})
			if got, _ := logs.AllUntimed()[0].ContextMap()["address"].(string); got != want {
				t.Errorf("%s, %s: got %q, want %q", c.address, how, got, want)
			}
		}
	}
}

// Without a logger no keys are kept.
func TestNilLoggerRecordsNothing(t *testing.T) {
	trail := New(nil)
	trail.SnapshotTaken(anna, porch, 1)
	trail.ViewStarted(anna, porch, "")
	trail.ViewEnded(anna, porch, ViewStats{})
	if len(trail.snapshots) != 0 {
		t.Error("it keeps keys")
	}
}
