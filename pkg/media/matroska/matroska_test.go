package matroska_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/media/matroska"
)

// annexB replaces the lengths of 4 bytes in front of NAL units by start codes.
func annexB(b []byte) []byte {
	out := append([]byte(nil), b...)
	for at := 0; at < len(out); {
		n := int(out[at])<<24 | int(out[at+1])<<16 | int(out[at+2])<<8 | int(out[at+3])
		copy(out[at:], []byte{0, 0, 0, 1})
		at += 4 + n
	}
	return out
}

// ffprobe reads the frames with the timestamps that were written, in the order that they were written, and finds nothing wrong.
func TestFFmpegReadsFramesWithTheirTimestamps(t *testing.T) {
	ffprobe := testpeer.RequireProgram(t, "ffprobe", "ffmpeg")
	for name, codec := range map[string]matroska.Codec{"h264": matroska.H264, "h265": matroska.H265} {
		t.Run(name, func(t *testing.T) {
			packets := testpeer.Packets(t, testpeer.Clip{Codec: name, Size: "160x120", FPS: 25, Encoder: "repeat-headers=1"}.Make(t))
			b := matroska.AppendHeader(nil, codec, 160, 120)
			var want []string
			for i, p := range packets {
				data := annexB(p.Data)
				at := len(b)
				b = matroska.AppendClusterHead(b, uint64(i+1), p.IsKey, len(data))
				if n := len(b) - at; n != matroska.ClusterHeadSize {
					t.Fatalf("a head of %d bytes, want %d", n, matroska.ClusterHeadSize)
				}
				b = append(b, data...)
				at = len(b)
				if b = matroska.AppendVoid(b, 5*i); len(b)-at != max(5*i, 9) {
					t.Fatalf("a void of %d bytes, want %d", len(b)-at, max(5*i, 9))
				}
				want = append(want, fmt.Sprintf("%d,%d,%s", i+1, len(data), map[bool]string{true: "K_", false: "__"}[p.IsKey]))
			}
			path := filepath.Join(t.TempDir(), "clip.mkv")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(ffprobe, "-v", "warning", "-show_entries", "packet=pts,size,flags", "-of", "csv=p=0", path).CombinedOutput()
			if err != nil {
				t.Fatalf("ffprobe: %v\n%s", err, out)
			}
			if got := strings.Fields(string(out)); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}
