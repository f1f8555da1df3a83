package source

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// appearance watches for a device node or file to appear or to change its permissions. A nil one never reports.
type appearance struct {
	watcher *fsnotify.Watcher
	seen    chan struct{}
	ended   sync.WaitGroup
}

// watch reports once when path exists after something changed beside it. Where the system has no more watches to give,
// it returns nil, and the camera comes back with the next attempt.
func watch(path string, log *zap.Logger) *appearance {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		_, err = approach(w, path)
	}
	if err != nil {
		log.Debug("device watch", zap.Error(err))
		if w != nil {
			_ = w.Close()
		}
		return nil
	}
	a := &appearance{watcher: w, seen: make(chan struct{}, 1)}
	a.ended.Go(func() { a.run(path) })
	return a
}

// What can have happened to a path, or to a folder on the way to it.
const (
	came = fsnotify.Create | fsnotify.Chmod
	went = fsnotify.Remove | fsnotify.Rename
)

func (a *appearance) run(path string) {
	for {
		select {
		case e, ok := <-a.watcher.Events:
			if !ok {
				return
			}
			if !e.Has(came) && !e.Has(went) {
				continue
			}
			// A folder on the way to it may have come, with it or before it, or gone: udev removes the last link's folders
			// after a watch has begun.
			if there, _ := approach(a.watcher, path); there && e.Has(came) && related(e.Name, path) {
				select {
				case a.seen <- struct{}{}:
				default:
				}
			}
		case _, ok := <-a.watcher.Errors:
			if !ok {
				return
			}
		}
	}
}

// approach watches the folder closest to path and reports whether path exists. It looks again behind the watch: what came
// before that is in no event.
func approach(w *fsnotify.Watcher, path string) (there bool, err error) {
	for {
		dir := nearest(path)
		if err := w.Add(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, err
		}
		_, err := os.Stat(path)
		if err == nil || nearest(path) == dir {
			return err == nil, nil
		}
	}
}

// related reports whether a change at name can be a change of path: it is path, a folder on the way, or what the
// symbolic link at path leads to.
func related(name, path string) bool {
	if name == path || filepath.Dir(path) != filepath.Dir(name) {
		return true
	}
	target, err := filepath.EvalSymlinks(path)
	return err == nil && target == name
}

// nearest is the folder closest to path that exists.
func nearest(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
	}
}

// changed receives when it is worth trying again.
func (a *appearance) changed() <-chan struct{} {
	if a == nil {
		return nil
	}
	return a.seen
}

// close ends the watch and waits for it.
func (a *appearance) close() {
	if a != nil {
		_ = a.watcher.Close()
		a.ended.Wait()
	}
}
