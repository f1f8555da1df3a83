package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/framenumber"
	"camd/pkg/source/wire"
)

// numberedVideo is a video in which each picture has its number, from 1 on, as package framenumber writes it.
type numberedVideo struct {
	codec         h26x.Codec
	width, height int
	fps, frames   int
	first         int      // number of the first picture; default 1
	args          []string // further ones of ffmpeg, such as -bf 0
}

// codedFrame is a frame as camd sends it.
type codedFrame struct {
	header   wire.VideoFrame
	fragment []byte
	format   *wire.VideoFormat
	number   uint32 // in the picture
}

// encode encodes the video and returns its frames in the order of decoding. Captured is the number of the picture in milliseconds, so a test can
// compare it with the picture. Count is the number in the order of decoding.
func (v numberedVideo) encode(t testing.TB) []codedFrame {
	t.Helper()
	if v.first == 0 {
		v.first = 1
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	encoder := map[h26x.Codec]string{h26x.H264: "libx264", h26x.H265: "libx265"}[v.codec]
	args := []string{"-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", fmt.Sprintf("%dx%d", v.width, v.height),
		"-r", fmt.Sprint(v.fps), "-i", "pipe:0", "-c:v", encoder, "-preset", "veryfast", "-pix_fmt", "yuv420p", "-sc_threshold", "0"}
	if v.codec == h26x.H265 {
		args = append(args, "-x265-params", "log-level=none:scenecut=0")
	}
	args = append(append(args, v.args...), path)
	cmd := exec.Command(testpeer.RequireProgram(t, "ffmpeg", "ffmpeg"), args...)
	cmd.Stdin = bytes.NewReader(v.pictures())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, out)
	}
	return v.readFrames(t, path)
}

// pictures returns the pictures in shades of grey: a texture that moves, and the strip.
func (v numberedVideo) pictures() []byte {
	var all bytes.Buffer
	strip := framenumber.Strip(v.width, v.height)
	for i := range v.frames {
		p := make([]byte, v.width*v.height)
		for y := range v.height {
			for x := range v.width {
				p[y*v.width+x] = byte(((x+2*i)*(y+i)>>5)&0x7F + 40)
			}
		}
		for c, isWhite := range framenumber.Encode(uint32(v.first + i)) {
			cell, shade := framenumber.Cell(strip, c), byte(16)
			if isWhite {
				shade = 235
			}
			for y := cell.Min.Y; y < cell.Max.Y; y++ {
				row := p[y*v.width+cell.Min.X : y*v.width+cell.Max.X]
				for x := range row {
					row[x] = shade
				}
			}
		}
		all.Write(p)
	}
	return all.Bytes()
}

// readFrames reads an MP4 file as camd's readers would.
func (v numberedVideo) readFrames(t testing.TB, path string) (frames []codedFrame) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := map[h26x.Codec]string{h26x.H264: "avcC", h26x.H265: "hvcC"}[v.codec]
	at := bytes.Index(file, []byte(name))
	track := h26x.NewTrack(v.codec, h26x.Options{})
	if at < 4 || track.SetConfig(file[at+4:at-4+int(binary.BigEndian.Uint32(file[at-4:]))]) != nil {
		t.Fatalf("no %s in %s", name, path)
	}
	var format *h26x.Format
	var described *wire.VideoFormat
	for i, p := range testpeer.Packets(t, path) {
		u, err := track.Parse(splitNALUnits(p.Data), p.PTS)
		if err != nil {
			t.Fatal(err)
		}
		if u.Format != format {
			format = u.Format
			described = &wire.VideoFormat{Codec: string(v.codec), CodecString: format.CodecString, Width: format.Width, Height: format.Height, Init: fmp4.NewInit(format)}
		}
		number := v.first + int((p.PTS*time.Duration(v.fps)+time.Second/2)/time.Second)
		frames = append(frames, codedFrame{wire.VideoFrame{Captured: int64(number) * 1e6, Count: uint64(i + v.first), PTS: u.PTS, DTS: u.DTS,
			Key: u.Key, Disposable: u.Disposable, Leading: u.Leading}, fmp4.NewFragment(u), described, uint32(number)})
	}
	return frames
}

// splitNALUnits splits NAL units with lengths of 4 bytes.
func splitNALUnits(b []byte) (units [][]byte) {
	for len(b) > 0 {
		n := 4 + int(binary.BigEndian.Uint32(b))
		units, b = append(units, b[4:n:n]), b[n:]
	}
	return units
}

// input returns the frame as inputReader puts it into a queue.
func (f codedFrame) input(t testing.TB) inputFrame {
	t.Helper()
	b := bytes.Clone(f.fragment)
	if !toAnnexB(b) {
		t.Fatal("invalid fragment")
	}
	return inputFrame{format: f.format, data: b[fmp4.HeadSize-clusterRoom:], captured: f.header.Captured, count: f.header.Count,
		isKey: f.header.Key, isLeading: f.header.Leading,
		isHidden: f.header.Hidden, isLast: f.header.Last, arrived: monotonic()}
}
