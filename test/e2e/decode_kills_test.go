package e2e

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// watchedDecoders is a camera with twelve viewers of all kinds, whose decoders a test kills.
type watchedDecoders struct {
	t      testing.TB
	d      *daemon
	camera *videoCamera
	video  map[string]*videoFollower
	jpegs  *viewers
	random *rand.Rand
}

// watchDecoders starts camd with a camera and a substream, and its viewers. One of them watches through a relay if the server is plain.
func watchDecoders(t testing.TB, isTLS bool) *watchedDecoders {
	t.Helper()
	const frames = 1500
	camera := &videoCamera{clip: loadClips(t, numberedClip{Size: image.Pt(640, 352), Frames: frames, Encoder: "keyint=50"})}
	sub := &videoCamera{clip: loadClips(t, numberedClip{Frames: frames, First: 100 * frames, Encoder: "keyint=50"})}
	config := longWriteTimeout
	var bus *testpeer.NATS
	if isTLS {
		pair := testpeer.Certificate{}.Make(t)
		config += fmt.Sprintf("tls: {certificate: %s, key: %s}\n", pair.File, pair.Key)
	} else {
		bus = natsCluster(t, 1)[0]
		config += fmt.Sprintf("bus: {servers: ['%s']}\nsite: north\n", bus.URL)
	}
	config += fmt.Sprintf("cameras:\n  - {id: a, source: '%s', substream: '%s', stall_timeout: 2m, renditions: {preview: {width: 320}}}\n",
		camera.serve(t), sub.serve(t))
	sub.begin = camera.begin // one position for both
	w := &watchedDecoders{t: t, camera: camera, random: rand.New(rand.NewPCG(testpeer.Seed(t), 0)), d: start(t, options{config: config})}
	w.d.waitForCamera("a", "live with its substream", func(s state) bool { return s.State == "live" && s.sendsVideo("sub") })
	video := w.d.videoURL("a")
	w.video = map[string]*videoFollower{
		"stream.mp4":         follow(t, video, image.Pt(640, 352), frames),
		"another stream.mp4": follow(t, video, image.Pt(640, 352), frames),
		"the substream":      follow(t, video+"?track=sub", clipSize, frames),
	}
	w.jpegs = newViewers(t, camera)
	w.addViewers(isTLS)
	if !isTLS {
		relay := startRelay(t, busConfig(bus, ""))
		relay.waitForCameras("north.a")
		w.jpegs.addStream("a viewer at a relay", streamClient, relay.URL+"/cameras/north.a/stream.mjpg")
	}
	w.jpegs.waitForPictures(w.jpegs.expectAfter())
	return w
}

// addViewers adds the viewers of JPEGs.
func (w *watchedDecoders) addViewers(isTLS bool) {
	url, second := w.d.URL+"/cameras/a/", streamClient
	if isTLS {
		second = http2Client(w.t)
		w.jpegs.addStream("a third preview", streamClient, url+"stream.mjpg?rendition=preview")
	}
	w.jpegs.addStream("main", streamClient, url+"stream.mjpg")
	w.jpegs.addStream("another main", second, url+"stream.mjpg")
	w.jpegs.addStream("a preview", streamClient, url+"stream.mjpg?rendition=preview")
	w.jpegs.addStream("another preview", second, url+"stream.mjpg?rendition=preview")
	w.jpegs.addWall("a wall", w.d, "grid")
	w.jpegs.addWall("a wall of main", w.d, "full")
	w.jpegs.addPoller("a poller", url+"snapshot.jpg")
	w.jpegs.addPoller("a poller of previews", url+"snapshot.jpg?rendition=preview")
}

// kill sends a signal to a decoder at a random moment, and returns when, and the position of the camera.
func (w *watchedDecoders) kill(sig syscall.Signal) (at time.Time, position int) {
	w.t.Helper()
	end := w.camera.position() + w.random.IntN(clipRate)
	eventually(w.t, "a decoder to kill", func() bool {
		pids := w.d.decoders()
		if len(pids) == 0 || w.camera.position() < end {
			return false
		}
		slices.Sort(pids)
		position, at = w.jpegs.expectAfter(), time.Now()
		return testpeer.Signal(pids[w.random.IntN(len(pids))], sig) == nil
	})
	return at, position
}

// checkVideo checks that no viewer of video has lost a frame, and that the camera was not disturbed. On a busy machine a viewer may be late. camd
// then counts what it drops.
func (w *watchedDecoders) checkVideo() {
	w.t.Helper()
	lost, names := map[string]int{}, map[string]string{"stream.mp4": "video", "another stream.mp4": "video", "the substream": "sub"}
	for name, f := range w.video {
		_, n, err := f.progress()
		if err != nil {
			w.t.Errorf("%s ended after %d pictures: %v", name, n, err)
		}
		lost[names[name]] += f.lost
	}
	for track, n := range lost {
		late := 0
		for _, reason := range []string{"late", "lapped", "resync"} {
			late += int(sum(w.d.seriesWithPrefix(fmt.Sprintf(`camd_viewer_frames_dropped_total{camera="a",reason=%q,rendition=%q`, reason, track))))
		}
		if n > late {
			w.t.Errorf("the viewers of %s have lost %d frames, and camd has dropped %d, because the viewers were late", track, n, late)
		}
	}
	if s := w.d.camera("a"); s.State != "live" {
		w.t.Errorf("the camera is %s: %s", s.State, s.Detail)
	}
	if n := w.camera.connected.Load(); n != 1 {
		w.t.Errorf("camd connected %d times to the camera, want once", n)
	}
}

// decoderSignals are what decoders of the tests get. camd takes three seconds to find a stopped process.
var decoderSignals = []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGSTOP}

// Decoders that are killed disturb nobody who watches video. Viewers of JPEGs keep their connections and get live pictures again.
func TestKilledDecodersDisturbNoVideo(t *testing.T) {
	for name, isTLS := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			w := watchDecoders(t, isTLS)
			for i := range 12 {
				_, position := w.kill(decoderSignals[i%len(decoderSignals)])
				if w.random.IntN(3) > 0 { // else the next signal may reach a decoder that loads
					w.jpegs.waitForPictures(position)
				}
			}
			w.jpegs.waitForPictures(w.jpegs.expectAfter())
			w.checkVideo()
		})
	}
}

// BenchmarkDecodeKills reports how long viewers of JPEGs wait for the next live picture when a decoder is killed: the slowest of nine viewers of
// each kill. Three of them get every picture, and the others five a second. An operation is a kill; use -benchtime 100x.
func BenchmarkDecodeKills(b *testing.B) {
	for name, signals := range map[string][]syscall.Signal{"crash": {syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT}, "stop": {syscall.SIGSTOP}} {
		b.Run(name, func(b *testing.B) {
			w := watchDecoders(b, false)
			var slowest, mains []time.Duration
			for n := 0; b.Loop(); n++ {
				at, position := w.kill(signals[n%len(signals)])
				arrivals := w.jpegs.waitForPictures(position)
				slowest = append(slowest, slices.MaxFunc(arrivals, time.Time.Compare).Sub(at))
				mains = append(mains, arrivals[0].Sub(at))
			}
			w.checkVideo()
			b.ReportMetric(quantile(slowest, 0.5), "slowest-p50-ms")
			b.ReportMetric(quantile(slowest, 0.99), "slowest-p99-ms")
			b.ReportMetric(quantile(mains, 0.5), "main-p50-ms")
			b.ReportMetric(quantile(mains, 0.99), "main-p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
