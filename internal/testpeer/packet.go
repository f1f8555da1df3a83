package testpeer

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Packet is what a file holds of one frame, as ffprobe reads it.
type Packet struct {
	PTS, DTS time.Duration // to the microsecond
	IsKey    bool
	Data     []byte
}

// Packets returns the packets of a file's only stream, in the order of the file.
func Packets(t testing.TB, path string) []Packet {
	t.Helper()
	ffprobe := RequireProgram(t, "ffprobe", "ffmpeg")
	out, err := exec.Command(ffprobe, "-v", "error", "-show_packets", "-of", "json", path).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	var probed struct {
		Packets []struct {
			PTS   string `json:"pts_time"`
			DTS   string `json:"dts_time"`
			Pos   string `json:"pos"`
			Size  string `json:"size"`
			Flags string `json:"flags"`
		}
	}
	file, fileErr := os.ReadFile(path)
	if err := json.Unmarshal(out, &probed); err != nil || fileErr != nil || len(probed.Packets) == 0 {
		t.Fatalf("packets of %s: %v, %v", path, err, fileErr)
	}
	packets := make([]Packet, len(probed.Packets))
	for i, p := range probed.Packets {
		pos, posErr := strconv.Atoi(p.Pos)
		size, sizeErr := strconv.Atoi(p.Size)
		if posErr != nil || sizeErr != nil || pos+size > len(file) {
			t.Fatalf("packet %d of %s: %+v", i, path, p)
		}
		packets[i] = Packet{parseSeconds(t, p.PTS), parseSeconds(t, p.DTS), strings.Contains(p.Flags, "K"), file[pos : pos+size : pos+size]}
	}
	return packets
}

func parseSeconds(t testing.TB, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s + "s")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// DecodedPictures returns the hashes of a file's pictures as ffmpeg decodes them, in the order of display. Any error in the file fails the
// test.
func DecodedPictures(t testing.TB, path string) (hashes []string) {
	t.Helper()
	ffmpeg := RequireProgram(t, "ffmpeg", "ffmpeg")
	out, err := exec.Command(ffmpeg, "-nostdin", "-v", "error", "-err_detect", "explode", "-xerror", "-threads", "1", "-i", path,
		"-vsync", "passthrough", "-f", "framemd5", "-").CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", path, err, out)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Split(strings.TrimSpace(line), ","); !strings.HasPrefix(line, "#") {
			hashes = append(hashes, strings.TrimSpace(fields[len(fields)-1]))
		}
	}
	return hashes
}
