package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/bits"
)

// Video that FFmpeg cannot decode is logged once, and no process tries it again while a viewer waits. Its viewers get it as it is.
func TestUndecodableVideoCostsNothing(t *testing.T) {
	t.Parallel()
	clip := loadClips(t, numberedClip{Codec: "h265"})
	differentDepths(t, clip)
	camera := &videoCamera{clip: clip}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	watch(t, d.URL+"/cameras/a/stream.mjpg") // stays until the end
	logged := func() (n int) {
		for line := range strings.Lines(d.stderr.String()) {
			if strings.Contains(line, "undecodable") {
				n++
			}
		}
		return n
	}
	eventually(t, "a log line with the reason", func() bool { return logged() > 0 })
	eventually(t, "the end of the decoder", func() bool { return len(d.decoders()) == 0 })
	end := camera.position() + 10*clipRate
	eventually(t, "ten seconds of the camera", func() bool {
		if pids := d.decoders(); len(pids) > 0 {
			t.Fatalf("decoders %v run again", pids)
		}
		return camera.position() > end
	})
	begin := time.Now()
	code, header, body := get(t, d.URL+"/cameras/a/snapshot.jpg?rendition=preview")
	if code != http.StatusServiceUnavailable || !isJPEG(body) || header.Get("Retry-After") == "" {
		t.Errorf("snapshot: %d, %v, %d bytes", code, header, len(body))
	}
	t.Logf("the snapshot took %v", time.Since(begin))

	stream := dialVideo(t, d.videoURL("a"), 0, unpaced)
	for range 50 {
		if _, err := stream.next(); err != nil {
			t.Fatal(err)
		}
	}
	if n := logged(); n != 1 || len(d.decoders()) > 0 {
		t.Errorf("%d log lines with the reason, want 1; decoders %v", n, d.decoders())
	}
	var s struct {
		State   string
		Streams []struct{ Name, State, Reason string }
	}
	d.getJSON("/api/v1/cameras/a", &s)
	if len(s.Streams) != 2 || s.State != "live" {
		t.Errorf("the camera is %s, with the renditions %+v", s.State, s.Streams)
	}
	for _, r := range s.Streams {
		if r.State != "offline" || r.Reason != "undecodable" {
			t.Errorf("rendition %s is %s for %q, want offline for undecodable", r.Name, r.State, r.Reason)
		}
	}
}

// differentDepths makes the clip's H.265 say that luma has 8 bits and chroma 9, which the standard allows and FFmpeg 5.1 and 7.1 refuse
// (libavcodec, hevc_ps.c: "different luma and chroma bit depths not supported").
func differentDepths(t *testing.T, clip *videoClip) {
	t.Helper()
	const typeSPS = 33 // ITU-T H.265, table 7-1
	for i, unit := range clip.frames[0].sets {
		if unit[0]>>1&0x3F == typeSPS {
			clip.frames[0].sets[i] = setChromaDepth(t, unit, 1)
		}
	}
}

// setChromaDepth writes bit_depth_chroma_minus8 of an SPS without sub-layers (ITU-T H.265, section 7.3.2.2.1).
func setChromaDepth(t *testing.T, unit []byte, depth uint) []byte {
	t.Helper()
	var out bytes.Buffer
	r, w := bits.NewEBSPReader(bytes.NewReader(unit)), bits.NewEBSPWriter(&out)
	copyBits := func(n int) (v uint) {
		for range n {
			v = r.Read(1)
			w.Write(v, 1)
		}
		return v
	}
	copyNumber := func() (v uint) {
		v = r.ReadExpGolomb()
		w.WriteExpGolomb(v)
		return v
	}
	const header, beforeProfile, profile = 16, 8, 96
	copyBits(header + beforeProfile + profile)
	copyNumber()           // sps_seq_parameter_set_id
	if copyNumber() != 1 { // chroma_format_idc
		t.Fatal("the clip is not 4:2:0")
	}
	copyNumber()          // pic_width_in_luma_samples
	copyNumber()          // pic_height_in_luma_samples
	if copyBits(1) == 1 { // conformance_window_flag
		for range 4 {
			copyNumber()
		}
	}
	copyNumber() // bit_depth_luma_minus8
	r.ReadExpGolomb()
	w.WriteExpGolomb(depth)
	for {
		more, err := r.MoreRbspData()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		copyBits(1)
	}
	w.WriteRbspTrailingBits()
	if r.AccError() != nil || w.AccError() != nil {
		t.Fatal(r.AccError(), w.AccError())
	}
	return out.Bytes()
}
