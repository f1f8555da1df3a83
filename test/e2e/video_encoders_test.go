package e2e

import (
	"fmt"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
)

// videoSource is a camera in the configuration of a test.
type videoSource struct {
	id      string
	camera  *videoCamera
	more    string // further keys of the camera
	hasGaps bool   // pictures may be missing
}

// startVideoSources starts camd with cameras.
func startVideoSources(t *testing.T, sources []videoSource) *daemon {
	t.Helper()
	config := longWriteTimeout + "cameras:\n"
	for _, s := range sources {
		url := s.camera.serve(t)
		config += fmt.Sprintf("  - {id: %s, source: '%s', stall_timeout: 2m%s}\n", s.id, url, s.more)
	}
	return start(t, options{config: config})
}

// videoURL returns the address of a camera's stream.mp4.
func (d *daemon) videoURL(id string) string { return d.URL + "/cameras/" + id + "/stream.mp4" }

// encoderSources are cameras with any encoder and any way to send parameter sets.
func encoderSources(t *testing.T) []videoSource {
	t.Helper()
	load := func(codec, encoder string) *videoClip {
		return loadClips(t, numberedClip{Codec: codec, Frames: 4 * clipRate, Encoder: encoder})
	}
	return []videoSource{
		{id: "h264", camera: &videoCamera{clip: load("h264", "")}},
		{id: "h264-every-frame-a-key", camera: &videoCamera{clip: load("h264", "keyint=1")}},
		{id: "h264-b-frames", camera: &videoCamera{clip: load("h264", "bframes=3:b-adapt=0")}},
		{id: "h264-b-frames-in-pyramid", camera: &videoCamera{clip: load("h264", "bframes=3:b-adapt=0:b-pyramid=normal:keyint=50")}},
		{id: "h264-groups-of-12-seconds", camera: &videoCamera{clip: loadClips(t, numberedClip{Frames: 300, Encoder: "keyint=300"})}},
		{id: "h264-many-slices", camera: &videoCamera{clip: load("h264", "slices=4")}},
		{id: "h264-several-references", camera: &videoCamera{clip: load("h264", "ref=4:bframes=2")}},
		{id: "h264-sets-in-band-only", camera: &videoCamera{clip: load("h264", ""), sets: inBand}},
		{id: "h264-sets-separated", camera: &videoCamera{clip: load("h264", ""), sets: separated}},
		{id: "h264-sets-everywhere", camera: &videoCamera{clip: load("h264", "bframes=3"), sets: inSDP | inBand}},
		{id: "h265", camera: &videoCamera{clip: load("h265", "")}},
		{id: "h265-every-frame-a-key", camera: &videoCamera{clip: load("h265", "keyint=1")}},
		{id: "h265-b-frames", camera: &videoCamera{clip: load("h265", "bframes=3:b-adapt=0:open-gop=0")}},
		{id: "h265-open-groups", camera: &videoCamera{clip: load("h265", "bframes=3:b-adapt=0:open-gop=1")}},
		{id: "h265-sets-in-band-only", camera: &videoCamera{clip: load("h265", ""), sets: inBand}},
		{id: "h264-udp", camera: &videoCamera{clip: load("h264", "")}, more: ", transport: udp", hasGaps: true},
		{id: "h264-size-changes", camera: &videoCamera{sets: inSDP | inBand, clip: loadClips(t, numberedClip{Frames: 100},
			numberedClip{Frames: 100, First: 100, Size: image.Pt(640, 352)})}},
		{id: "h265-size-changes", camera: &videoCamera{sets: inSDP | inBand, clip: loadClips(t, numberedClip{Codec: "h265", Frames: 100},
			numberedClip{Codec: "h265", Frames: 100, First: 100, Size: image.Pt(640, 352)})}},
	}
}

// Pictures of cameras with any encoder and any way to send parameter sets arrive at viewers of stream.mp4: all, in order and without an error
// in decoding.
func TestVideoOfEveryEncoder(t *testing.T) {
	t.Parallel()
	sources := encoderSources(t)
	d := startVideoSources(t, sources)
	for _, s := range sources {
		t.Run(s.id, func(t *testing.T) {
			t.Parallel()
			v := watchVideo(t, d.videoURL(s.id), clipSize)
			if s.hasGaps {
				v.read(5 * clipRate)
			} else {
				v.readRun(5*clipRate, s.camera.loopLength()) // with the end of the clip
			}
		})
	}
}

// Streams in which decoding cannot begin anywhere but at the camera's start, or whose pictures refer to missing ones, are decoded by camd. Their
// pictures arrive as JPEGs.
func TestVideoWithoutKeyframesIsDecoded(t *testing.T) {
	t.Parallel()
	sources := []videoSource{
		{id: "intra-refresh", camera: &videoCamera{clip: loadClips(t, numberedClip{Encoder: "intra-refresh=1:keyint=25"}), sets: inSDP | inBand}},
		{id: "open-groups", camera: &videoCamera{clip: loadClips(t, numberedClip{Encoder: "open-gop=1:bframes=3:b-adapt=0"}), sets: inSDP | inBand}},
	}
	d := startVideoSources(t, sources)
	for _, s := range sources {
		t.Run(s.id, func(t *testing.T) {
			v := watch(t, d.URL+"/cameras/"+s.id+"/stream.mjpg")
			seen := map[uint32]bool{}
			v.waitFor("20 pictures with numbers", func(p picture) bool {
				if n, ok := p.frameNumber(); ok {
					seen[n] = true
				}
				return len(seen) >= 20
			})
		})
	}
}

// Cameras that require a login, drop sessions, close connections, lose packets or set their clocks have gaps, and nothing that is damaged. The
// viewer's connection stays.
func TestVideoOfBadCameras(t *testing.T) {
	t.Parallel()
	plain := loadClips(t, numberedClip{Frames: 1500})
	everyHundredth := func(n int) bool { return n%101 == 100 }
	locked := func() *videoCamera {
		c := &videoCamera{clip: plain}
		c.User, c.Password, c.Methods = "viewer", "p@ss", []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
		return c
	}
	short := func() *videoCamera {
		c := &videoCamera{clip: plain}
		c.Session = "1;timeout=2"
		return c
	}
	const login = ", user: viewer, password: 'p@ss'"
	sources := []videoSource{
		{id: "digest", camera: locked(), more: login},
		{id: "short-session-timeout", camera: short()},
		{id: "loss-over-udp", camera: &videoCamera{clip: plain, loses: everyHundredth}, more: ", transport: udp", hasGaps: true},
		{id: "closes-connections", camera: &videoCamera{clip: plain, closeAfter: 60}, hasGaps: true},
		{id: "rtp-steps-forward", camera: &videoCamera{clip: plain, stepAt: 40, rtpStep: ticksOf(10 * time.Second)}, hasGaps: true},
		{id: "rtp-steps-back", camera: &videoCamera{clip: plain, stepAt: 40, rtpStep: -ticksOf(10 * time.Second)}, hasGaps: true},
		{id: "ntp-steps-forward", camera: &videoCamera{clip: plain, stepAt: 40, ntpStep: time.Hour}},
		{id: "ntp-steps-back", camera: &videoCamera{clip: plain, stepAt: 40, ntpStep: -time.Hour}},
	}
	d := startVideoSources(t, sources)
	t.Cleanup(func() {
		if strings.Contains(d.stderr.String(), "p@ss") {
			t.Error("the password is in the log")
		}
	})
	for _, s := range sources {
		t.Run(s.id, func(t *testing.T) {
			t.Parallel()
			v := watchVideo(t, d.videoURL(s.id), clipSize)
			if v.read(8 * clipRate); !s.hasGaps {
				v.readRun(4*clipRate, s.camera.loopLength())
			}
			if s.camera.closeAfter > 0 && s.camera.connected.Load() < 3 {
				t.Errorf("camd connected %d times, want 3", s.camera.connected.Load())
			}
		})
	}
}
