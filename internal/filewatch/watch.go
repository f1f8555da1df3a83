// Package filewatch reports when the content of files has changed and is completely written.
package filewatch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"camd/pkg/config"
)

// quietPeriod is how long files must stay the same to count as written completely.
const quietPeriod = 300 * time.Millisecond

// recheckInterval is how long a change without an event can stay unnoticed, for example a change by another machine. It is also how long a
// file counts as incomplete after a write without a close.
const recheckInterval = time.Minute

// Fingerprint identifies the content of files.
type Fingerprint [sha256.Size]byte

// Watch sends the fingerprint of files on changed when it differs from known and the files are completely written, until ctx ends. The
// files may be written in place or replaced by renaming. The channel must have room for one value: a newer fingerprint replaces one that
// nobody has received.
func Watch(ctx context.Context, paths []string, known Fingerprint, changed chan Fingerprint) error {
	watch, err := newFolderWatch(foldersToWatch(paths))
	if err != nil {
		return fmt.Errorf("watch %s: %w", paths[0], err)
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer watch.close()
	events := make(chan fileEvent)
	reading.Go(func() { watch.read(ctx, events) })
	w := fileWatch{
		events: events, changed: changed, known: known,
		takeSnapshot: func() snapshot { return takeSnapshot(paths) },
		isWatched: func(path string) bool {
			return slices.ContainsFunc(paths, func(p string) bool {
				real, err := filepath.EvalSymlinks(p)
				return err == nil && real == path
			})
		},
	}
	w.run(ctx)
	return nil
}

// snapshot is the state of files at one time.
type snapshot struct {
	content  Fingerprint // zero if no file can be read
	modified time.Time   // of the file that was modified last
}

func takeSnapshot(paths []string) (s snapshot) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(s.modified) {
			s.modified = info.ModTime()
		}
	}
	s.content = FingerprintOfFiles(paths...)
	return s
}

// fileWatch finds out when files have changed and are written completely. They are complete when every writer has closed them and two
// successive snapshots are equal.
type fileWatch struct {
	events       <-chan fileEvent
	takeSnapshot func() snapshot
	isWatched    func(path string) bool
	known        Fingerprint
	changed      chan Fingerprint

	seen    snapshot
	written map[string]time.Time // files that were written to and not closed, with the time of the last write
}

func (f *fileWatch) run(ctx context.Context) {
	f.written = map[string]time.Time{}
	next := time.NewTimer(0) // a change before the watch began gives no event
	defer next.Stop()
	recheck := time.NewTicker(recheckInterval)
	defer recheck.Stop()
	armed := true
	arm := func() {
		if !armed { // otherwise the timer keeps running, because events may never pause
			next.Reset(quietPeriod)
			armed = true
		}
	}
	for {
		select {
		case e := <-f.events:
			f.recordEvent(e)
			arm()
		case <-recheck.C:
			// Not every writer closes: truncate(2) writes without opening, and events can be lost.
			maps.DeleteFunc(f.written, func(_ string, at time.Time) bool { return time.Since(at) >= recheckInterval })
			arm()
		case <-next.C:
			armed = false
			if f.isChanging() {
				arm()
			}
		case <-ctx.Done():
			return
		}
	}
}

func (f *fileWatch) recordEvent(e fileEvent) {
	switch {
	case e.kind == writeEvent && f.isWatched(e.path):
		f.written[e.path] = time.Now()
	case e.kind == completeEvent:
		delete(f.written, e.path)
	}
}

// isChanging reports whether the files must be checked again soon. It sends their fingerprint if they have changed and are complete.
func (f *fileWatch) isChanging() bool {
	if len(f.written) > 0 {
		return false // the event of closing the file comes later
	}
	now := f.takeSnapshot()
	switch {
	case now.content == f.known || now.content == Fingerprint{}: // unchanged, or no file can be read
		return false
	case now != f.seen:
		f.seen = now
		return true
	}
	f.known = now.content
	select { // the newest replaces one that nobody has received
	case <-f.changed:
	default:
	}
	f.changed <- now.content
	return false
}

// foldersToWatch returns the folders in which files can be replaced: the folder of each file, and of each link on the way to it. certbot
// replaces links to files. Other programs replace a link to a folder.
func foldersToWatch(paths []string) map[string]bool {
	all := map[string]bool{}
	for _, path := range paths {
		for links := 0; path != "" && links < 40; links++ { // as many links as the kernel follows
			all[filepath.Dir(path)] = true
			path = resolveFirstLink(path, all)
		}
	}
	return all
}

// resolveFirstLink returns the path with its first link resolved, and adds the folder of the link. It returns "" if the path has no link.
func resolveFirstLink(path string, folders map[string]bool) string {
	for at := 0; at < len(path); {
		end := strings.IndexByte(path[at+1:], '/')
		if end < 0 {
			end = len(path)
		} else {
			end += at + 1
		}
		link := path[:end]
		if to, err := os.Readlink(link); err == nil {
			folders[filepath.Dir(link)] = true
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(link), to)
			}
			return filepath.Join(to, path[end:])
		}
		at = end
	}
	return ""
}

// FingerprintOfFiles returns the fingerprint of files. It is zero if no file can be read.
func FingerprintOfFiles(paths ...string) (sum Fingerprint) {
	texts, readable := make([][]byte, len(paths)), false
	for i, path := range paths {
		text, err := readStart(path)
		texts[i], readable = text, readable || err == nil
	}
	if !readable {
		return Fingerprint{}
	}
	return FingerprintOf(texts...)
}

// readStart returns as much of a file as config.Read does, so that both have the same fingerprint. config.Read refuses a longer file.
func readStart(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, config.MaxFileSize+1))
}

// FingerprintOf returns the fingerprint of files with these texts.
func FingerprintOf(texts ...[]byte) (sum Fingerprint) {
	all := sha256.New()
	for _, text := range texts {
		one := sha256.Sum256(text)
		all.Write(one[:])
	}
	all.Sum(sum[:0])
	return sum
}
