package source

import (
	"testing"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// A capture process of a camera that can have no video says that it sends some. Its pictures are shown as those of any camera.
func TestWorkerClaimsVideoWithoutTrack(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "claims video")})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	c.waitForState(t, camera.Live)
	for {
		f, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !f.Placeholder {
			return
		}
	}
}
