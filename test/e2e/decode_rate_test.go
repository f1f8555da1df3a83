package e2e

import (
	"fmt"
	"testing"
	"time"
)

// A viewer that wants fewer pictures than the camera has keyframes gets keyframes only, which cost little. While another viewer wants every
// picture, both get live ones.
func TestSlowViewersGetKeyframesOnly(t *testing.T) {
	t.Parallel()
	const interval = 50 // frames: two seconds
	clip := fourMegabits
	clip.Frames = 1500 // numbers are unambiguous for a minute
	camera := &videoCamera{clip: loadClips(t, clip)}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	camera.waitForFrames(t, 3*interval) // so that camd knows the interval
	url := d.URL + "/cameras/a/stream.mjpg"
	slow := watch(t, url+"?fps=0.4")
	slow.waitForKeyframes(interval, 3)
	slowCost := d.costOfDecoders(camera, 3*interval)

	fast := watch(t, url)
	inRow, last := 0, uint32(0)
	fast.waitFor("three pictures in a row", func(p picture) bool {
		n, ok := p.frameNumber()
		switch {
		case ok && n == last+1:
			inRow++
		case !ok || n != last:
			inRow = 0
		}
		last = n
		return inRow >= 2 // a busy machine skips pictures
	})
	position := camera.position()
	slow.waitFor("a live picture", func(p picture) bool {
		n, ok := p.frameNumber()
		return ok && camera.framesBefore(position, n) < 0
	})
	fastCost := d.costOfDecoders(camera, 3*interval)
	if slowCost > fastCost/4 {
		t.Errorf("keyframes cost %v of CPU time, all frames %v", slowCost, fastCost)
	}
	t.Logf("%d frames: keyframes only %v, all %v", 3*interval, slowCost, fastCost)
	fast.close()
	slow.waitForKeyframes(interval, 3)
}

// waitForKeyframes waits for n different pictures in a row that are keyframes of the camera.
func (v *viewer) waitForKeyframes(interval uint32, n int) {
	v.t.Helper()
	inRow, last := 0, uint32(1)
	v.waitFor(fmt.Sprint(n, " keyframes in a row"), func(p picture) bool {
		number, ok := p.frameNumber()
		switch {
		case !ok || number%interval != 0:
			inRow = 0
		case number != last:
			inRow++
		}
		last = number
		return inRow >= n
	})
}

// costOfDecoders returns the CPU time that the decoders use while the camera sends a number of frames.
func (d *daemon) costOfDecoders(camera *videoCamera, frames int) (used time.Duration) {
	d.t.Helper()
	all := func() (sum time.Duration) {
		for _, pid := range d.decoders() {
			sum += treeCPUTime(d.t, pid)
		}
		return sum
	}
	before := all()
	camera.waitForFrames(d.t, frames)
	return all() - before
}
