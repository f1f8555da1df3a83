package e2e

import (
	"fmt"
	"image"
	"testing"
)

// Numbers of a substream's pictures begin here, so that a picture tells its stream. It is a multiple of the length of both clips.
const firstOfSubstream = 100_000

// twoStreamCamera returns a camera and its substream, half as wide. Two of them have the same pictures.
func twoStreamCamera(t testing.TB) (video, sub *videoCamera) {
	t.Helper()
	const frames = 200
	video = &videoCamera{clip: loadClips(t, numberedClip{Size: image.Pt(1280, 704), Frames: frames})}
	return video, &videoCamera{clip: loadClips(t, numberedClip{Size: image.Pt(640, 352), Frames: frames, First: firstOfSubstream})}
}

// isOfSubstream reports whether a picture is of the substream. ok is false for a placeholder.
func (p picture) isOfSubstream() (isSub, ok bool) {
	n, ok := p.frameNumber()
	return n >= firstOfSubstream, ok
}

// waitForTrack waits for three pictures of the substream in a row, or three of the camera's first stream.
func (v *viewer) waitForTrack(want string) {
	v.t.Helper()
	inRow := 0
	v.waitFor("pictures of "+want, func(p picture) bool {
		inRow++
		if isSub, ok := p.isOfSubstream(); !ok || isSub != (want == "sub") {
			inRow = 0
		}
		return inRow >= 3
	})
}

// Previews are made of the substream, and larger pictures are not. While the substream is gone, previews go on from the other stream on the
// same connection.
func TestPreviewIsMadeOfSubstream(t *testing.T) {
	t.Parallel()
	video, sub := twoStreamCamera(t)
	d := startVideoSources(t, []videoSource{{
		id: "a", camera: video, more: fmt.Sprintf(", substream: '%s', renditions: {wide: {width: 800}, thumb: {width: 320}}", sub.serve(t)),
	}})
	d.waitForCamera("a", "live with its substream", func(s state) bool { return s.State == "live" && s.sendsVideo("sub") })
	stream := func(rendition string) *viewer { return watch(t, d.URL+"/cameras/a/stream.mjpg?rendition="+rendition) }
	preview := stream("preview")
	preview.waitForTrack("sub")
	stream("thumb").waitForTrack("sub")
	stream("wide").waitForTrack("video")
	main := stream("main")
	main.waitForTrack("video")
	for range 2 {
		sub.turnOff()
		preview.waitForTrack("video")
		sub.turnOn()
		preview.waitForTrack("sub")
	}
	main.waitForTrack("video")
	if s, n := d.camera("a"), video.connected.Load(); s.State != "live" || n != 1 {
		t.Errorf("the camera is %s, and camd connected %d times to it, want once", s.State, n)
	}
}

// A rendition with the key track is made of that track.
func TestRenditionIsMadeOfConfiguredTrack(t *testing.T) {
	t.Parallel()
	video, sub := twoStreamCamera(t)
	d := startVideoSources(t, []videoSource{{
		id: "a", camera: video,
		more: fmt.Sprintf(", substream: '%s', renditions: {fine: {width: 320, track: video}, coarse: {width: 800, track: sub}}", sub.serve(t)),
	}})
	d.waitForCamera("a", "live with its substream", func(s state) bool { return s.State == "live" && s.sendsVideo("sub") })
	for rendition, track := range map[string]string{"fine": "video", "coarse": "sub"} {
		watch(t, d.URL+"/cameras/a/stream.mjpg?rendition="+rendition).waitForTrack(track)
	}
}
