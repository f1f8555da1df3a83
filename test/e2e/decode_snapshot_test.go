package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// tenSecondGroups is a clip whose keyframes are ten seconds apart.
var tenSecondGroups = numberedClip{Frames: 1500, Encoder: "keyint=250"}

// snapshotNumber requests a snapshot until camd has one, because a busy machine may take longer than camd waits. It returns the number in the
// picture, and when the picture was taken.
func snapshotNumber(t *testing.T, url string) (n uint32, captured time.Time) {
	t.Helper()
	var header http.Header
	var body []byte
	eventually(t, "a snapshot of "+url, func() bool {
		var code int
		code, header, body = get(t, url)
		if code != http.StatusOK && code != http.StatusServiceUnavailable {
			t.Fatalf("%s: %d", url, code)
		}
		return code == http.StatusOK
	})
	n, ok := picture{jpeg: body}.frameNumber()
	seconds, err := strconv.ParseFloat(header.Get("X-Timestamp"), 64)
	if !ok || err != nil {
		t.Fatalf("%s: a number %v, %v", url, ok, err)
	}
	return n, time.UnixMicro(int64(seconds*1e6 + 0.5))
}

// A snapshot of a camera without viewers of JPEGs is the present, and not the newest keyframe. Afterwards the decoder gets nothing, serves
// the next snapshot, and ends later.
func TestSnapshotOfUnwatchedCameraIsThePresent(t *testing.T) {
	t.Parallel()
	camera := &videoCamera{clip: loadClips(t, tenSecondGroups)}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	v := follow(t, d.videoURL("a"), clipSize, camera.loopLength())
	received := func() (n uint32) { n, _, _ = v.progress(); return n }
	url := d.URL + "/cameras/a/snapshot.jpg"
	if pids := d.decoders(); len(pids) > 0 {
		t.Errorf("decoders %v although nobody wants a JPEG", pids)
	}

	eventually(t, "the middle of a group of pictures", func() bool { n := received() % 250; return n >= 120 && n < 180 })
	const maxAge = 2 * clipRate // the default of the API
	before := received()
	if n, _ := snapshotNumber(t, url); camera.framesBefore(int(before), n) > maxAge {
		t.Errorf("the snapshot is of frame %d; a viewer of the video had frame %d before", n, before)
	}
	pids := d.decoders()
	if len(pids) != 1 {
		t.Fatalf("decoders %v, want one", pids)
	}
	d.waitForIdleDecoder(camera, pids[0])

	asked, position := time.Now(), camera.position()
	if n, captured := snapshotNumber(t, url+"?fresh=1"); captured.Before(asked) || camera.framesBefore(position, n) > 1 {
		t.Errorf("frame %d, taken at %v, is from before the request at %v, frame %d", n, captured, asked, position%camera.loopLength())
	}
	if now := d.decoders(); len(now) != 1 || now[0] != pids[0] {
		t.Errorf("decoders %v, want the one that was loaded, %v", now, pids)
	}
	d.waitForIdleDecoder(camera, pids[0])
	eventually(t, "the end of the decoder", func() bool { return len(d.decoders()) == 0 })
	v.checkComplete(t, "the viewer of the video")
}

// waitForIdleDecoder waits for two seconds of the camera in which the decoder runs, makes no picture, and uses less CPU time than decoding takes.
func (d *daemon) waitForIdleDecoder(camera *videoCamera, pid int) {
	d.t.Helper()
	const frames = 2 * clipRate
	const most = 8 * time.Millisecond // decoding takes 0.5 ms a picture, and starting OpenCV 190 ms
	eventually(d.t, "an idle decoder", func() bool {
		used, made := treeCPUTime(d.t, pid), d.publishedJPEGs("a", "main")
		camera.waitForFrames(d.t, frames)
		if !isRunning(pid) {
			d.t.Fatal("the decoder ended at once")
		}
		return treeCPUTime(d.t, pid)-used < most && d.publishedJPEGs("a", "main") == made
	})
}

// Programs poll all cameras at the same time. Each gets a picture, and no more than two decoders load or catch up at once.
func TestPollsOfManyCamerasStartFewDecodersAtOnce(t *testing.T) {
	t.Parallel()
	const cameras, most = 8, 2
	camera := &videoCamera{clip: loadClips(t, tenSecondGroups)}
	url, config := camera.serve(t), longWriteTimeout+"cameras:\n"
	for i := range cameras {
		config += fmt.Sprintf("  - {id: c%d, source: '%s', stall_timeout: 2m}\n", i, url)
	}
	d := start(t, options{config: config, env: []string{fmt.Sprint("GOMAXPROCS=", cameras)}}) // the bound is not the number of processors
	for i := range cameras {
		d.waitForState(fmt.Sprint("c", i), "live")
	}
	camera.waitForFrames(t, 8*clipRate) // so that a decoder has to catch up
	var polls sync.WaitGroup
	done := make(chan struct{})
	for i := range cameras {
		polls.Go(func() {
			if n, _ := snapshotNumber(t, fmt.Sprintf("%s/cameras/c%d/snapshot.jpg", d.URL, i)); camera.framesBefore(camera.position(), n) < 0 {
				t.Errorf("frame %d has not been sent", n)
			}
		})
	}
	go func() { polls.Wait(); close(done) }()
	highest := 0
	eventually(t, "the answers", func() bool {
		started := len(d.decoders()) // first, so that more of them may have a picture by then
		delivered := 0
		for _, n := range d.seriesWithPrefix(`camd_camera_frames_published_total`) {
			if n > 0 {
				delivered++
			}
		}
		highest = max(highest, started-delivered)
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	t.Logf("at most %d decoders ran at once that had no picture yet", highest)
	if highest > most {
		t.Errorf("%d decoders ran at once that had no picture yet, want at most %d", highest, most)
	}
}
