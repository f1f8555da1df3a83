package source

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
)

// Capture processes send random messages. Viewers still get only complete pictures, the camera starts a new process, and no process is left
// when it stops.
func TestHostileWorkersPublishOnlyPictures(t *testing.T) {
	worker := faultyWorker(t, "hostile")
	if err := os.WriteFile(filepath.Join(filepath.Dir(worker), "seed"), fmt.Append(nil, testpeer.Seed(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	var cameras []*runningCamera
	for range 16 {
		c := startCamera(t, Options{WorkerPath: worker})
		topic, _ := c.Topic("")
		sub := topic.Subscribe(broker.Latest)
		defer sub.Close()
		cameras = append(cameras, c)
	}
	testrun.WaitFor(t, "64 processes to end", func() bool {
		ended := uint64(0)
		for _, c := range cameras {
			for _, n := range c.Status().Counts.Restarts {
				ended += n
			}
			topic, _ := c.Topic("")
			if f := topic.Newest(); f != nil && !isPicture(f.Data) {
				t.Fatalf("published %d bytes that are no picture", len(f.Data))
			}
		}
		return ended >= 64
	})
	for _, c := range cameras {
		c.stop()
	}
}

func isPicture(b []byte) bool {
	return len(b) > 4 && b[0] == 0xFF && b[1] == 0xD8 && b[len(b)-1] == 0xD9
}
