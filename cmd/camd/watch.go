package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// still is how long a file must have been the same to count as written whole.
const still = 300 * time.Millisecond

// watchFile sends on changed when a file is another than before, in place or by another that was renamed to it, until ctx ends.
// What else happens in its folder makes it look, and no more.
func watchFile(ctx context.Context, path string, changed chan<- struct{}) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	defer w.Close()
	known := content(path)
	if err := w.Add(filepath.Dir(path)); err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	var seen [sha256.Size]byte
	look := time.NewTimer(0) // what came between reading it and now is in no event
	defer look.Stop()
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
		case <-look.C:
			armed = false
			switch now := content(path); {
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

// content tells files apart; it is zero for one that cannot be read.
func content(path string) (sum [sha256.Size]byte) {
	if text, err := os.ReadFile(path); err == nil {
		sum = sha256.Sum256(text)
	}
	return sum
}
