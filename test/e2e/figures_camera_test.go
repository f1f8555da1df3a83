package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/media/fmp4"
)

// figuresCameras is the environment variable that makes the test's program the cameras of BenchmarkVideoFigures, in a process of its own. Its value
// is the clip of the RTSP camera.
const figuresCameras = "CAMD_TEST_FIGURES_CAMERAS"

// figuresRate is the environment variable with the frame rate of the clip, if it is not clipRate.
const figuresRate = "CAMD_TEST_FIGURES_RATE"

// fullHDClip is what a usual network camera sends: 1080p25, 4 Mbit/s, a keyframe every two seconds.
func fullHDClip(t testing.TB, keyframeInterval int) string {
	t.Helper()
	rate := "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000"
	if keyframeInterval == 1 {
		rate = "crf=35"
	}
	return cachedClip(t, "fullhd", ".mp4", func() []byte { return nil }, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25",
		"-t", "4", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-pix_fmt", "yuv420p",
		"-x264-params", fmt.Sprintf("%s:keyint=%d:scenecut=0", rate, keyframeInterval))
}

// jpegSize returns the mean size of the pictures of jpegClip.
func jpegSize(t testing.TB) int {
	t.Helper()
	b, err := os.ReadFile(jpegClip(t))
	if err != nil {
		t.Fatal(err)
	}
	return len(b) / len(splitJPEGs(b))
}

// jpegClip has pictures of nearly 100 KB at 30 fps.
func jpegClip(t testing.TB) string {
	t.Helper()
	return cachedClip(t, "jpegs", ".mjpeg", func() []byte { return nil }, "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", "testsrc2=size=1280x720:rate=30,noise=alls=9:allf=t", "-t", "2", "-c:v", "mjpeg", "-q:v", "6", "-huffman", "default",
		"-force_duplicated_matrix", "1", "-pix_fmt", "yuvj420p", "-f", "mjpeg")
}

// TestFiguresCameras is the cameras of BenchmarkVideoFigures. It writes their addresses and serves until its standard input ends. It sends packets
// and pictures that were encoded before, so that it needs little CPU time.
func TestFiguresCameras(t *testing.T) {
	clip := os.Getenv(figuresCameras)
	if clip == "" {
		t.Skip("is a peer of BenchmarkVideoFigures, and no test")
	}
	v := &videoClip{codec: "h264"}
	v.appendFile(t, clip)
	rate, err := strconv.Atoi(os.Getenv(figuresRate))
	if err != nil {
		t.Fatal(err)
	}
	v.ticks = uint32(len(v.frames) * fmp4.Timescale / rate)
	camera := &videoCamera{clip: v, rate: rate}
	fmt.Println(camera.serve(t))
	fmt.Println(serveHTTP(t, serveJPEGs(splitJPEGs(readFile(t, jpegClip(t))))) + "/stream.mjpg")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// splitJPEGs splits a file of baseline JPEGs at their ends. Entropy-coded data has no marker (ITU-T T.81, section B.1.1.5).
func splitJPEGs(b []byte) (pictures [][]byte) {
	for begin, i := 0, 2; i <= len(b); i++ {
		if b[i-2] == 0xFF && b[i-1] == 0xD9 {
			pictures = append(pictures, b[begin:i])
			begin = i
		}
	}
	return pictures
}

// serveJPEGs sends pictures, 30 a second, in an endless loop.
func serveJPEGs(pictures [][]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		pace := time.NewTicker(time.Second / 30)
		defer pace.Stop()
		for n := 0; ; n++ {
			jpeg := pictures[n%len(pictures)]
			_, err := fmt.Fprintf(w, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(jpeg))
			if err == nil {
				_, err = w.Write(append(jpeg[:len(jpeg):len(jpeg)], "\r\n"...))
			}
			if err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-pace.C:
			case <-r.Context().Done():
				return
			}
		}
	})
}

// startFiguresCameras starts the cameras and returns their addresses.
func startFiguresCameras(b testing.TB, clip string) (rtsp, mjpeg string) {
	b.Helper()
	return startFiguresCamerasAt(b, clip, clipRate)
}

// startFiguresCamerasAt starts cameras whose clip has a frame rate.
func startFiguresCamerasAt(b testing.TB, clip string, rate int) (rtsp, mjpeg string) {
	b.Helper()
	jpegClip(b)
	testpeer.RequireProgram(b, "ffprobe", "ffmpeg")
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFiguresCameras$")
	cmd.Env = append(os.Environ(), figuresCameras+"="+clip, figuresRate+"="+strconv.Itoa(rate))
	lines := startLines(b, cmd)
	return lines(), lines()
}

// startLines starts a program that ends when its standard input does, and returns a function that reads a line of its output.
func startLines(b testing.TB, cmd *exec.Cmd) (readLine func() string) {
	b.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	return func() string {
		b.Helper()
		if !lines.Scan() {
			b.Fatalf("%v ended early", cmd.Args)
		}
		return lines.Text()
	}
}
