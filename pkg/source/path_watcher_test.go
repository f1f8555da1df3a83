package source

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
)

// udev removes the folders of a link with it, and creates them again.
func TestPathWatcherFollowsRecreatedFolders(t *testing.T) {
	top := filepath.Join(t.TempDir(), "v4l")
	path := filepath.Join(top, "by-id", "camera")
	create := func() {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	create()
	a := watchPath(path, zap.NewNop())
	defer a.close()
	for range 3 {
		if err := os.RemoveAll(top); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(2 * time.Minute); !slices.Equal(a.watcher.WatchList(), []string{filepath.Dir(top)}); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("watches %v", a.watcher.WatchList())
			}
		}
		create()
		select {
		case <-a.changed():
		case <-time.After(2 * time.Minute):
			t.Fatal("not seen")
		}
	}
}
