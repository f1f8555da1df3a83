package filewatch

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// If a path has links, every folder in which a file or link could be replaced is watched.
func TestFoldersToWatchIncludeFoldersOfLinks(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"archive/2026", "etc", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"etc/live": "../archive/2026", "etc/cert.pem": "../elsewhere/cert.pem", "elsewhere/cert.pem": filepath.Join(root, "archive/2026/cert.pem"), "etc/loop": "loop",
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string][]string{
		"archive/2026/cert.pem": {"archive/2026"},
		"archive/none/cert.pem": {"archive/none"},
		"etc/live/cert.pem":     {"archive/2026", "etc", "etc/live"},
		"etc/cert.pem":          {"archive/2026", "elsewhere", "etc"},
		"etc/loop":              {"etc"},
	} {
		var got []string
		for _, dir := range slices.Sorted(maps.Keys(foldersToWatch([]string{filepath.Join(root, path)}))) {
			relative, err := filepath.Rel(root, dir)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, relative)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// testFile is a file of a fileWatch in a synctest bubble.
type testFile struct {
	events  chan fileEvent
	changed chan Fingerprint
	now     atomic.Pointer[snapshot]
}

func (w *testFile) setContent(text string) {
	w.now.Store(&snapshot{content: FingerprintOf([]byte(text)), modified: time.Now()})
}

func (w *testFile) sendEvent(kind eventKind) { w.events <- fileEvent{"/camd.yaml", kind} }

// reported returns the fingerprints that were reported until now.
func (w *testFile) reported(t *testing.T) (content Fingerprint) {
	t.Helper()
	synctest.Wait()
	select {
	case content = <-w.changed:
	default:
	}
	return content
}

// runWatchTest runs a test with a file whose content is known to the watch.
func runWatchTest(t *testing.T, test func(*testing.T, *testFile)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &testFile{events: make(chan fileEvent), changed: make(chan Fingerprint, 1)}
		w.setContent("old")
		f := fileWatch{events: w.events, changed: w.changed, known: w.now.Load().content, takeSnapshot: func() snapshot { return *w.now.Load() },
			isWatched: func(path string) bool { return path == "/camd.yaml" }}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { f.run(ctx) })
		defer running.Wait()
		defer stop()
		time.Sleep(time.Second)
		if w.reported(t) != (Fingerprint{}) {
			t.Error("an unchanged file is reported as changed")
		}
		test(t, w)
	})
}

var noFingerprint Fingerprint

// A writer truncates the file and then writes slowly. The file is reported when the writer has closed it.
func TestFileOfSlowWriterIsNotReportedBeforeItIsClosed(t *testing.T) {
	runWatchTest(t, func(t *testing.T, w *testFile) {
		for _, text := range []string{"", "half", "whole"} {
			w.setContent(text)
			w.sendEvent(writeEvent)
			w.events <- fileEvent{"/camd.yaml", otherEvent}     // from chmod
			w.events <- fileEvent{"/camd.yaml~", completeEvent} // of another file
			time.Sleep(recheckInterval - time.Second)
			if got := w.reported(t); got != noFingerprint {
				t.Fatalf("reported with %q in it", text)
			}
		}
		w.sendEvent(completeEvent)
		time.Sleep(3 * quietPeriod)
		if got := w.reported(t); got != FingerprintOf([]byte("whole")) {
			t.Errorf("got %x, want the whole text", got)
		}
	})
}

// A replaced file is complete at once. So is an empty file that is closed.
func TestReplacedFileIsReported(t *testing.T) {
	for _, text := range []string{"new", ""} {
		runWatchTest(t, func(t *testing.T, w *testFile) {
			w.setContent(text)
			w.sendEvent(completeEvent)
			time.Sleep(3 * quietPeriod)
			if got := w.reported(t); got != FingerprintOf([]byte(text)) {
				t.Errorf("%q: got %x", text, got)
			}
		})
	}
}

// For a file on a disk of another machine, the kernel sends no events. The file is reported when it has stopped changing.
func TestFileWithoutEventsIsReportedWhenItStopsChanging(t *testing.T) {
	runWatchTest(t, func(t *testing.T, w *testFile) {
		time.Sleep(recheckInterval - time.Second) // just before the next check
		for n := range 20 {
			w.setContent("part " + strconv.Itoa(n%2))
			time.Sleep(quietPeriod)
			if got := w.reported(t); got != noFingerprint {
				t.Fatal("reported while it changes")
			}
		}
		time.Sleep(3 * quietPeriod)
		if got := w.reported(t); got != FingerprintOf([]byte("part 1")) {
			t.Errorf("got %x", got)
		}
	})
}

// truncate(2) changes a file without opening it, so no close follows. The change is reported later.
func TestFileThatNobodyClosesIsReportedLater(t *testing.T) {
	runWatchTest(t, func(t *testing.T, w *testFile) {
		w.setContent("new")
		w.sendEvent(writeEvent)
		time.Sleep(3*recheckInterval + 3*quietPeriod)
		if got := w.reported(t); got != FingerprintOf([]byte("new")) {
			t.Errorf("got %x", got)
		}
	})
}

// A late receiver gets the newest content.
func TestNewestContentReplacesTheOneBefore(t *testing.T) {
	runWatchTest(t, func(t *testing.T, w *testFile) {
		for _, text := range []string{"first", "second"} {
			w.setContent(text)
			w.sendEvent(completeEvent)
			time.Sleep(3 * quietPeriod)
			synctest.Wait()
		}
		if got := w.reported(t); got != FingerprintOf([]byte("second")) {
			t.Errorf("got %x", got)
		}
	})
}

// The kernel sends events for a real file: a write, and its end.
func TestFolderWatchTellsWritingFromClosing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "camd.yaml")
	w, err := newFolderWatch(map[string]bool{dir: true, filepath.Join(dir, "none"): true})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan fileEvent)
	var reading sync.WaitGroup
	reading.Go(func() { w.read(t.Context(), events) })
	defer reading.Wait()
	defer w.close()
	expect := func(name string, kind eventKind) {
		t.Helper()
		for e := range events {
			if e.kind == otherEvent {
				continue
			}
			if e.path != filepath.Join(dir, name) || e.kind != kind {
				t.Fatalf("got %+v, want %d of %s", e, kind, name)
			}
			return
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("cameras:\n"); err != nil {
		t.Fatal(err)
	}
	expect("camd.yaml", writeEvent)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	expect("camd.yaml", completeEvent)
	if err := os.Rename(path, path+"~"); err != nil {
		t.Fatal(err)
	}
	expect("camd.yaml", completeEvent)
	expect("camd.yaml~", completeEvent)
}

// The kernel has one watch for a folder and a link to it. Its events must have the path that EvalSymlinks returns for a file.
func TestLinkedFolderIsWatchedUnderItsOwnName(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real, link := filepath.Join(dir, "data"), filepath.Join(dir, "etc")
	if err := errors.Join(os.Mkdir(real, 0o755), os.Symlink(real, link), os.WriteFile(filepath.Join(real, "camd.yaml"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 20 { // the order of the folders is random
		w, err := newFolderWatch(foldersToWatch([]string{filepath.Join(link, "camd.yaml")}))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range w.folders {
			if folder != dir && folder != real && strings.HasPrefix(folder, dir) {
				t.Errorf("watched as %s, want %s", folder, real)
			}
		}
		w.close()
	}
}
