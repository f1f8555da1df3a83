package source

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// pathWatcher watches for a device node or file that appears or changes its permissions. A nil watcher never reports anything.
type pathWatcher struct {
	watcher  *fsnotify.Watcher
	appeared chan struct{}
	running  sync.WaitGroup
}

// watchPath returns a watcher that reports when path exists after something on the way to it changed. If the system has no watches
// left, watchPath returns nil, and the camera is opened only by its next attempt.
func watchPath(path string, log *zap.Logger) *pathWatcher {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		_, err = watchNearestDir(w, path)
	}
	if err != nil {
		log.Debug("device watch failed", zap.Error(err))
		if w != nil {
			_ = w.Close()
		}
		return nil
	}
	a := &pathWatcher{watcher: w, appeared: make(chan struct{}, 1)}
	a.running.Go(func() { a.run(path) })
	return a
}

// Events of a path, or of a folder on the way to it.
const (
	appearOps    = fsnotify.Create | fsnotify.Chmod
	disappearOps = fsnotify.Remove | fsnotify.Rename
)

func (p *pathWatcher) run(path string) {
	for {
		select {
		case e, ok := <-p.watcher.Events:
			if !ok {
				return
			}
			if !e.Has(appearOps) && !e.Has(disappearOps) {
				continue
			}
			// The nearest folder may be another one now. A folder on the way may be new, or gone: udev removes the folders of the
			// last link.
			if found, _ := watchNearestDir(p.watcher, path); found && e.Has(appearOps) && affectsPath(e.Name, path) {
				select {
				case p.appeared <- struct{}{}:
				default:
				}
			}
		case _, ok := <-p.watcher.Errors:
			if !ok {
				return
			}
		}
	}
}

// watchNearestDir watches the folder closest to path that exists, and reports whether path exists. It checks the path after it has
// added the watch: no event reports what happened before.
func watchNearestDir(w *fsnotify.Watcher, path string) (found bool, err error) {
	for {
		dir := nearestDir(path)
		if err := w.Add(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, err
		}
		_, err := os.Stat(path)
		if err == nil || nearestDir(path) == dir {
			return err == nil, nil
		}
	}
}

// affectsPath reports whether a change at name can be a change of path: it is path, a folder on the way, or what the
// symbolic link at path leads to.
func affectsPath(name, path string) bool {
	if name == path || filepath.Dir(path) != filepath.Dir(name) {
		return true
	}
	target, err := filepath.EvalSymlinks(path)
	return err == nil && target == name
}

// nearestDir returns the folder closest to path that exists.
func nearestDir(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
	}
}

// changed returns a channel that receives when path exists after a change. For a nil watcher it is nil.
func (p *pathWatcher) changed() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.appeared
}

// close ends the watch and waits for its goroutine. For a nil watcher it does nothing.
func (p *pathWatcher) close() {
	if p != nil {
		_ = p.watcher.Close()
		p.running.Wait()
	}
}
