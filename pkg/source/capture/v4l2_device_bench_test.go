package capture

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// BenchmarkDevice reads a V4L2 device to which ffmpeg writes. It compares raw pictures with a minimal program that waits for the device as
// the capture process does. It compares JPEGs with the same JPEGs from a file, see BenchmarkPassthrough. It needs the lab: go test -exec
// test/v4l2/lab/run.
func BenchmarkDevice(b *testing.B) {
	if os.Getenv("CAMD_V4L2_LAB") == "" {
		b.Skip("not in the lab")
	}
	b.Run("mjpeg1080p30", func(b *testing.B) {
		start := wire.Start{Source: feedLoopback(b, clip1080), Capture: options.Capture{Size: sourceurl.Size{Width: 1920, Height: 1080}}}
		compareCPU(b, start, 1, func(pictures int) time.Duration {
			cpu, _ := measureProcess(b, wire.Start{Source: clip1080.Make(b)}, 1, pictures)
			return cpu
		})
	})
	b.Run("yuyv720p30", func(b *testing.B) {
		clip := testpeer.Clip{Codec: "rawvideo", Size: "1280x720", Length: time.Second}
		start := wire.Start{Source: feedLoopback(b, clip), Capture: options.Capture{Size: sourceurl.Size{Width: 1280, Height: 720}, Format: "yuyv"}}
		compareCPU(b, start, 1, func(pictures int) time.Duration {
			return measureMinimalLoop(b, start.Source, gocv.VideoCaptureV4L2, pictures, 0)
		})
	})
}

// feedLoopback makes a loopback device a camera and returns its path.
func feedLoopback(b *testing.B, clip testpeer.Clip) string {
	b.Helper()
	const path = "/dev/video20"
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip.Make(b), "-c:v", "copy", "-f", "v4l2", path)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(testrun.Deadline); ; time.Sleep(10 * time.Millisecond) {
		n, err := openNode(path)
		if err == nil {
			n.Close()
			return path
		}
		if time.Now().After(end) {
			b.Fatal(err)
		}
	}
}
