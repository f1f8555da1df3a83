package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// Third-party programs read camd's streams and snapshots.
func TestThirdPartyClientsReadStreams(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: `
cameras:
  - id: pattern
    source: test://?size=320x180&fps=30
    stall_timeout: 2m
  - id: clip
    stall_timeout: 2m
    source: ` + mjpegClip.Make(t) + "\n"})
	d.waitForState("pattern", "live")
	d.waitForState("clip", "live")
	stream := d.URL + "/cameras/pattern/stream.mjpg"

	t.Run("curl", func(t *testing.T) { checkStreamBytes(t, stream) })
	t.Run("ffprobe", func(t *testing.T) {
		o := run(t, testpeer.RequireProgram(t, "ffprobe", "ffmpeg"), "-v", "error", "-f", "mpjpeg", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", stream)
		if o.code != 0 || strings.TrimSpace(o.stdout) != "mjpeg,320,180" || o.stderr != "" {
			t.Errorf("%+v", o)
		}
	})
	for _, id := range []string{"pattern", "clip"} {
		t.Run("ffmpeg/"+id, func(t *testing.T) {
			// Without a format ffmpeg uses the content type, as players do.
			o := run(t, testpeer.RequireProgram(t, "ffmpeg", "ffmpeg"), "-nostdin", "-v", "warning", "-xerror", "-i", d.URL+"/cameras/"+id+"/stream.mjpg",
				"-frames:v", "40", "-f", "null", "-progress", "-", "-")
			if o.code != 0 || !strings.Contains(o.stdout, "frame=40\n") || withoutRangeWarnings(o.stderr) != "" {
				t.Errorf("%+v", o)
			}
		})
	}
	t.Run("gstreamer", func(t *testing.T) {
		o := run(t, testpeer.RequireProgram(t, "gst-launch-1.0", "gstreamer1.0-tools"), "-e", "souphttpsrc", "location="+stream, "!",
			"multipartdemux", "!", "image/jpeg", "!", "jpegdec", "!", "fakesink", "num-buffers=30")
		if o.code != 0 || strings.Contains(o.stdout+o.stderr, "ERROR") {
			t.Errorf("%+v", o)
		}
	})
	t.Run("another camd", func(t *testing.T) {
		o := camd(t, "probe", stream, "--measure", "500ms")
		if o.code != 0 {
			t.Fatalf("%+v", o)
		}
		for _, want := range []string{"HTTP", "mjpeg", "passed through unchanged", "320x180"} {
			if !strings.Contains(o.stdout, want) {
				t.Errorf("%q is not in\n%s", want, o.stdout)
			}
		}
	})
	t.Run("other programs' addresses", func(t *testing.T) {
		// The addresses of mjpg-streamer and ustreamer, for the first camera and the second.
		for path, first := range map[string]bool{"/?action=stream": true, "/?action=stream_0": true, "/?action=stream_1": false, "/stream": true} {
			v := watch(t, d.URL+path)
			if p, err := v.read(); err != nil || !isJPEG(p.jpeg) || isLive(p) != first {
				t.Errorf("%s: %d bytes, %v", path, len(p.jpeg), err)
			}
			v.close()
		}
	})
	t.Run("slow reader's rate", func(t *testing.T) { checkReducedRate(t, d, stream+"?fps=5") })
}

// withoutRangeWarnings removes the warning that ffmpeg prints for every JPEG stream: its full range of brightness.
func withoutRangeWarnings(stderr string) string {
	var left []string
	for line := range strings.Lines(stderr) {
		if !strings.Contains(line, "deprecated pixel format used") && strings.TrimSpace(line) != "" {
			left = append(left, line)
		}
	}
	return strings.Join(left, "")
}

// checkStreamBytes checks the bytes of a stream.
func checkStreamBytes(t *testing.T, url string) {
	file := filepath.Join(t.TempDir(), "answer")
	// --raw would show chunks if there were any. The headers are in the same file, unbuffered like the rest.
	startBackground(t, exec.Command(testpeer.RequireProgram(t, "curl", "curl"), "-sSN", "--raw", "-i", "-o", file, url))
	var answer []byte
	eventually(t, "two pictures", func() bool {
		answer, _ = os.ReadFile(file) // it does not exist at first
		return bytes.Count(answer, []byte("--boundarydonotcross\r\n")) > 2
	})
	head, b, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	headers := strings.ToLower(string(head)) + "\r\n"
	if !strings.HasPrefix(headers, "http/1.1 200 ok\r\n") {
		t.Fatalf("curl: %s", headers)
	}
	for _, want := range []string{"content-type: multipart/x-mixed-replace; boundary=boundarydonotcross\r\n", "connection: close\r\n", "cache-control: no-store"} {
		if !strings.Contains(headers, want) {
			t.Errorf("%q is not in\n%s", want, headers)
		}
	}
	for _, unwanted := range []string{"transfer-encoding", "content-length"} {
		if strings.Contains(headers, unwanted) {
			t.Errorf("%q is in\n%s", unwanted, headers)
		}
	}
	part := regexp.MustCompile(`\A--boundarydonotcross\r\nContent-Type: image/jpeg\r\nContent-Length: (\d+)\r\nX-Timestamp: \d+\.\d{6}\r\n\r\n`).FindSubmatch(b)
	if part == nil {
		t.Fatalf("the stream begins with %q", b[:min(len(b), 200)])
	}
	n, _ := strconv.Atoi(string(part[1]))
	if jpeg := b[len(part[0]):][:n]; !isJPEG(jpeg) || !strings.HasPrefix(string(b[len(part[0])+n:]), "\r\n--boundarydonotcross\r\nContent-Type: ") {
		t.Errorf("the %d bytes of the first part are no JPEG, or no part follows", n)
	}
}

// checkReducedRate counts pictures by their capture times. A busy machine may capture fewer than thirty a second, so the pictures that
// are left out count too. They are about five for each that is sent. After a pause the machine may capture many at once, so this ratio
// takes time.
func checkReducedRate(t *testing.T, d *daemon, url string) {
	v := watch(t, url)
	const pictures = 20
	first := v.waitFor("a live picture", isLive)
	last := first
	for range pictures {
		last = v.waitFor("a new picture", func(p picture) bool { return isLive(p) && p.captured != last.captured })
	}
	if rate := pictures / last.captured.Sub(first.captured).Seconds(); rate > 5.1 {
		t.Errorf("%.2f pictures a second, want 5 at most", rate)
	}
	go v.drain()
	eventually(t, "at most six pictures left out for each that is sent", func() bool {
		list := d.viewers("?camera=pattern")
		i := slices.IndexFunc(list, func(v viewerInfo) bool { return v.Throttled })
		if i < 0 {
			t.Fatalf("no viewer asked for fewer pictures: %+v", list)
		}
		return list[i].DroppedFor["fps_limit"] <= 6*(list[i].Sent+1)
	})
}
