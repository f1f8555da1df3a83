package testpeer

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Clip describes a video of a moving test picture (ffmpeg's testsrc2). A zero field has its default.
type Clip struct {
	Codec      string        // "h264", "h265", "mjpeg" or "rawvideo", which is YUYV
	Container  string        // file name extension: "mp4", "avi", "mkv", "mjpeg"; default "avi" for mjpeg and rawvideo, else "mp4"
	Size       string        // default "320x240", which takes little time to encode; RTP needs multiples of 8
	FPS        int           // default 30
	Length     time.Duration // default 2 s
	SecondSize string        // another size for the second half, as of a camera whose settings are changed; only h264 and h265
	SlowsDown  bool          // the second half has one picture a second
	Encoder    string        // further parameters of x264 or x265, such as "bframes=3:keyint=50"; only h264 and h265
}

// Clips that are sufficient for most tests.
var (
	H264  = Clip{Codec: "h264"}
	H265  = Clip{Codec: "h265"}
	MJPEG = Clip{Codec: "mjpeg"}
)

// Frames returns the number of pictures in the clip.
func (c Clip) Frames() int {
	c = c.withDefaults()
	return int(c.Length.Seconds() * float64(c.FPS))
}

// Make returns the path of the clip. The clip is made once and stays in the user's cache directory for later test runs, so do not write to
// it.
func (c Clip) Make(t testing.TB) string {
	t.Helper()
	c = c.withDefaults()
	ffmpeg := RequireProgram(t, "ffmpeg", "ffmpeg")
	args := c.args()
	// The name has a hash of the command, so that another command makes another clip.
	sum := sha256.Sum256(fmt.Append(nil, args, c.SecondSize))
	path := filepath.Join(cacheDir(t), fmt.Sprintf("%s-%s-%d-%x.%s", c.Codec, c.Size, c.FPS, sum[:6], c.Container))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	// The clip is made under another name and renamed, because tests of several packages run at the same time.
	dir, err := os.MkdirTemp(filepath.Dir(path), "making-")
	if err != nil {
		t.Fatalf("clip: %v", err)
	}
	defer os.RemoveAll(dir)
	draft := filepath.Join(dir, "clip."+c.Container)
	if out, err := exec.Command(ffmpeg, append(args, draft)...).CombinedOutput(); err != nil {
		t.Fatalf("clip: ffmpeg %v: %v\n%s", args, err, out)
	}
	if c.SecondSize != "" {
		c.appendSecondHalf(t, draft)
	}
	if err := os.Rename(draft, path); err != nil {
		t.Fatalf("clip: %v", err)
	}
	return path
}

// appendSecondHalf appends the second half to the first. That is possible because a transport stream has no header and no trailer.
func (c Clip) appendSecondHalf(t testing.TB, draft string) {
	t.Helper()
	c.Size, c.SecondSize = c.SecondSize, ""
	second, err := os.ReadFile(c.Make(t))
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(draft, os.O_APPEND|os.O_WRONLY, 0); err == nil {
			_, err = f.Write(second)
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		t.Fatalf("clip: %v", err)
	}
}

func (c Clip) withDefaults() Clip {
	c.Codec = cmp.Or(c.Codec, "h264")
	c.Size = cmp.Or(c.Size, "320x240")
	c.FPS = cmp.Or(c.FPS, 30)
	c.Length = cmp.Or(c.Length, 2*time.Second)
	if c.SecondSize != "" {
		c.Container = "ts"
	}
	if c.Container == "" {
		c.Container = map[string]string{"h264": "mp4", "h265": "mp4", "mjpeg": "avi", "rawvideo": "avi"}[c.Codec]
	}
	return c
}

func (c Clip) args() []string {
	args := []string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d", c.Size, c.FPS),
		"-t", fmt.Sprint(c.Length.Seconds())}
	if c.SlowsDown {
		args = append(args, "-vf", fmt.Sprintf("select='lt(t,%g)+not(mod(n,%d))'", c.Length.Seconds()/2, c.FPS), "-vsync", "vfr")
	}
	if c.Codec == "h264" {
		// Network cameras send no B-frames and one keyframe a second.
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", fmt.Sprint(c.FPS), "-pix_fmt", "yuv420p")
		if c.Encoder != "" {
			args = append(args, "-x264-params", c.Encoder)
		}
		return args
	}
	if c.Codec == "h265" {
		params := fmt.Sprintf("bframes=0:keyint=%d:log-level=none", c.FPS)
		if c.Encoder != "" {
			params += ":" + c.Encoder
		}
		return append(args, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params, "-pix_fmt", "yuv420p", "-tag:v", "hvc1")
	}
	if c.Codec == "rawvideo" {
		return append(args, "-c:v", "rawvideo", "-pix_fmt", "yuyv422")
	}
	// RTP carries only the standard Huffman tables and one quantisation table (RFC 2435).
	return append(args, "-c:v", "mjpeg", "-q:v", "5", "-huffman", "default", "-force_duplicated_matrix", "1", "-pix_fmt", "yuvj420p")
}

func cacheDir(t testing.TB) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "camd", "clips")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatalf("clip: %v", err)
	}
	return dir
}
