package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// still is how long files must have been the same to count as written whole.
const still = 300 * time.Millisecond

// unseen is how long a change may stay unnoticed that gives no event: of a link further up, or on another machine's disk.
const unseen = time.Minute

// watchFiles sends on changed when files are others than they were, in place or by others that were renamed to them, until ctx ends.
// known is their content as it was. What else happens in their folders makes it look, and no more.
func watchFiles(ctx context.Context, paths []string, known [sha256.Size]byte, changed chan<- struct{}) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", paths[0], err)
	}
	defer w.Close()
	for folder := range folders(paths) {
		if err := w.Add(folder); err != nil && !errors.Is(err, os.ErrNotExist) { // it may come
			return fmt.Errorf("watch %s: %w", folder, err)
		}
	}
	var seen [sha256.Size]byte
	look := time.NewTimer(0) // what came between reading them and now is in no event
	defer look.Stop()
	anyway := time.NewTicker(unseen)
	defer anyway.Stop()
	armed := true
	arm := func() {
		if !armed { // and not anew each time: a folder may never be quiet
			look.Reset(still)
			armed = true
		}
	}
	for {
		select {
		case <-w.Events:
			arm()
		case <-w.Errors: // of events lost
			arm()
		case <-anyway.C:
			arm()
		case <-look.C:
			armed = false
			switch now := content(paths...); {
			case now == known || now == [sha256.Size]byte{}: // gone for a moment, or for good: nothing to read
			case now != seen:
				seen = now
				arm()
			default:
				known = now
				select {
				case changed <- struct{}{}:
				default: // one that waits is as good as many
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// folders are those in which files become others: where they are named, and where each link is on the way to them. certbot swaps
// links to files, others a link to a folder.
func folders(paths []string) map[string]bool {
	all := map[string]bool{}
	for _, path := range paths {
		for ways := 0; path != "" && ways < 40; ways++ { // as many links as the kernel follows
			all[filepath.Dir(path)] = true
			path = follow(path, all)
		}
	}
	return all
}

// follow returns a path without the first link in it, whose folder it notes; it is empty if there is none.
func follow(path string, folders map[string]bool) string {
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

// content tells files apart; it is zero for those that cannot be read, all of them.
func content(paths ...string) (sum [sha256.Size]byte) {
	all, there := sha256.New(), false
	for _, path := range paths {
		text, err := os.ReadFile(path)
		there = there || err == nil
		one := sha256.Sum256(text)
		all.Write(one[:])
	}
	if there {
		all.Sum(sum[:0])
	}
	return sum
}
