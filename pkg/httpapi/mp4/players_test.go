package mp4

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/httpapi/request"
)

// Clips as cameras send them; players show them.
var playerClips = map[string]testpeer.Clip{
	"h264":           {Codec: "h264", Size: "320x240", FPS: 25, Length: 4 * time.Second, Encoder: "keyint=50:min-keyint=50:scenecut=0"},
	"h264, B-frames": {Codec: "h264", Size: "320x240", FPS: 25, Length: 4 * time.Second, Encoder: "keyint=50:min-keyint=50:scenecut=0:bframes=2:b-adapt=0"},
	"h265":           {Codec: "h265", Size: "320x240", FPS: 25, Length: 4 * time.Second, Encoder: "keyint=50:min-keyint=50:scenecut=0"},
}

// Each player shows the pictures of a camera that runs. The viewer joins in the middle of a group. After three seconds the camera is lost
// for a while, and the player goes on.
func TestPlayersPlayTheStream(t *testing.T) {
	for name, clip := range playerClips {
		for player, play := range map[string]func(t *testing.T, url, codec string){
			"ffmpeg": playFFmpeg, "mpv": playMPV, "GStreamer": playGStreamer, "VLC": playVLC, "Chromium": playChromium,
		} {
			if player == "Chromium" && clip.Codec == "h265" { // it has no decoder for it
				continue
			}
			t.Run(player+", "+name, func(t *testing.T) {
				t.Parallel()
				p := newPublisher(t, clip)
				p.publish(80)
				s := startServer(t, testCamera{"video", p.topic, ""}, request.Limits{SendBuffer: 128 << 10}, plain)
				p.loseAfter = 155
				p.start(t, 1)
				play(t, s.url, clip.Codec)
			})
		}
	}
}

// wantedPictures is how many pictures a player must show: more than come before the camera is lost.
const wantedPictures = 120

func playFFmpeg(t *testing.T, url, _ string) {
	out, err := exec.Command(testpeer.RequireProgram(t, "ffmpeg", "ffmpeg"), "-nostdin", "-v", "error", "-err_detect", "explode", "-xerror",
		"-i", url, "-frames:v", fmt.Sprint(wantedPictures), "-f", "framemd5", "-").CombinedOutput()
	if n := strings.Count(string(out), "\n0,"); err != nil || n != wantedPictures {
		t.Errorf("%d pictures, %v: %.500s", n, err, out)
	}
}

func playMPV(t *testing.T, url, _ string) {
	dir := t.TempDir()
	playToFiles(t, dir, exec.Command(testpeer.RequireProgram(t, "mpv", "mpv"), "--no-config", "--no-audio", "--vo=image",
		"--vo-image-format=png", "--vo-image-outdir="+dir, url))
}

func playGStreamer(t *testing.T, url, codec string) {
	dir := t.TempDir()
	playToFiles(t, dir, exec.Command(testpeer.RequireProgram(t, "gst-launch-1.0", "gstreamer1.0-tools"), "-q", "souphttpsrc", "location="+url, "is-live=true",
		"!", "qtdemux", "!", codec+"parse", "!", "avdec_"+codec, "!", "videoconvert", "!", "pngenc", "!", "multifilesink", "location="+filepath.Join(dir, "%06d.png")))
}

func playVLC(t *testing.T, url, _ string) {
	dir, err := os.MkdirTemp("", "camd-vlc-") // only its owner can read t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command(testpeer.RequireProgram(t, "cvlc", "vlc-bin"), "-I", "dummy", "--no-audio", "--vout", "dummy", "--video-filter", "scene",
		"--scene-format", "png", "--scene-ratio", "1", "--scene-prefix", "scene", "--scene-path", dir, url)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if os.Getuid() == 0 { // VLC does not run as root
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	playToFiles(t, dir, cmd)
}

// playToFiles runs a player that writes each picture into a file, until it has written enough different ones.
func playToFiles(t *testing.T, dir string, cmd *exec.Cmd) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%.2000s", out.String())
		}
	}()
	pictures, seen := map[[32]byte]bool{}, 0
	testrun.WaitFor(t, "the player to show pictures", func() bool {
		files, _ := filepath.Glob(filepath.Join(dir, "*.png"))
		for ; seen < len(files)-1; seen++ { // the last may be half written
			b, err := os.ReadFile(files[seen])
			if err != nil {
				t.Fatal(err)
			}
			pictures[sha256.Sum256(b)] = true
		}
		return seen >= wantedPictures && len(pictures) >= 80 // the clip has 100 different ones
	})
}

// playChromium plays the stream with <video>, and checks that it stays at the end of what has arrived.
func playChromium(t *testing.T, url, _ string) {
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(testpeer.RequireProgram(t, "chromium", "chromium")), chromedp.Headless, chromedp.NoFirstRun, chromedp.DisableGPU,
		chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-background-networking", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.UserDataDir(t.TempDir()),
	}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	defer func() { _ = chromedp.Cancel(ctx) }() // waits for Chromium to end
	do := func(script string) string {
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return s
	}
	do(fmt.Sprintf(`document.body.innerHTML = '<video id=v muted autoplay src="%s"></video>'; ""`, url))
	const state = `(() => { const q = v.getVideoPlaybackQuality(), end = v.buffered.length ? v.buffered.end(v.buffered.length-1) : 0
		return v.error ? "error: " + v.error.message : [q.totalVideoFrames, v.currentTime.toFixed(2), (end - v.currentTime).toFixed(2), v.buffered.length].join(" ") })()`
	var last string
	testrun.WaitFor(t, "Chromium to play", func() bool {
		last = do(state)
		if strings.HasPrefix(last, "error") {
			t.Fatal(last)
		}
		var frames int
		_, _ = fmt.Sscan(last, &frames)
		return frames >= wantedPictures
	})
	t.Logf("frames, time, seconds behind the end, ranges: %s", last)
}
