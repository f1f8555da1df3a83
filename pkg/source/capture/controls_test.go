package capture

import (
	"testing"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Controls of a device are tested with a real driver, in test/v4l2.
func TestSourceWithoutControlsReportsNone(t *testing.T) {
	d := startCapture(t, wire.Start{Source: "test://?size=320x180", Controls: map[string]camera.Setting{"brightness": {Kind: "number"}}})
	for _, n := range []uint32{3, 7, 1<<32 - 1} {
		d.send(wire.SetControls{Request: n})
		c, _ := awaitMessage[wire.Controls](d)
		if c.Request != n || c.ErrorKind != string(camera.NoControls) || c.Detail != "this source has no controls" {
			t.Errorf("got %+v for request %d", c, n)
		}
	}
	d.frame()
}

// A driver that does not answer blocks neither the reader of commands nor any other goroutine.
func TestControlWorkerNeverBlocks(t *testing.T) {
	p := newControlWorker()
	for n := range uint32(10 * maxQueuedRequests) {
		p.enqueue(wire.SetControls{Request: n})
	}
	for n := range uint32(maxQueuedRequests) {
		if a := <-p.replies; a.Request != maxQueuedRequests+n || a.ErrorKind != string(camera.ControlsTimeout) {
			t.Errorf("got %+v, want request %d refused", a, maxQueuedRequests+n)
		}
	}
}
