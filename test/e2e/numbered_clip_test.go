package e2e

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"

	"camd/internal/testpeer"
	"camd/pkg/media/fmp4"
	"camd/pkg/source/framenumber"
)

// numberedClip describes a video whose pictures have their number as a strip (package framenumber), from First on. A zero field has its
// default.
type numberedClip struct {
	Codec   string // "h264" or "h265"; default "h264"
	Size    image.Point
	Frames  int    // at 25 fps; default 250
	First   int    // number of the first picture
	Encoder string // further parameters of x264 or x265
	Noisy   bool   // noise, so that the encoder needs all bits that it may have
}

// clipRate is the frame rate of numbered clips.
const clipRate = 25

func (c numberedClip) withDefaults() numberedClip {
	c.Codec = cmp.Or(c.Codec, "h264")
	c.Size = cmp.Or(c.Size, image.Pt(320, 176))
	c.Frames = cmp.Or(c.Frames, 10*clipRate)
	return c
}

// make returns the path of the clip, which is made once and stays in the user's cache directory.
func (c numberedClip) make(t testing.TB) string {
	t.Helper()
	c = c.withDefaults()
	codec := []string{"-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "bframes=0:keyint=25:scenecut=0:" + c.Encoder}
	if c.Codec == "h265" {
		codec = []string{"-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1",
			"-x265-params", "log-level=none:bframes=0:keyint=25:scenecut=0:" + c.Encoder}
	}
	args := slices.Concat([]string{"-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", fmt.Sprintf("%dx%d", c.Size.X, c.Size.Y),
		"-r", fmt.Sprint(clipRate), "-i", "pipe:0"}, codec, []string{"-pix_fmt", "yuv420p"})
	return cachedClip(t, fmt.Sprintf("numbered-%d-%d-%v", c.First, c.Frames, c.Noisy), ".mp4", c.pictures, args...)
}

// cachedClip returns the path of a file that ffmpeg makes with args from stdin. The file's name has a hash of the arguments.
func cachedClip(t testing.TB, name, extension string, stdin func() []byte, args ...string) string {
	t.Helper()
	ffmpeg := testpeer.RequireProgram(t, "ffmpeg", "ffmpeg")
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "camd", "clips")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%x%s", name, sha256.Sum256(fmt.Append(nil, args)), extension))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	draft := filepath.Join(t.TempDir(), "clip"+extension)
	cmd := exec.Command(ffmpeg, append(args, draft)...)
	cmd.Stdin = bytes.NewReader(stdin())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clip: ffmpeg %v: %v\n%s", args, err, out)
	}
	b, err := os.ReadFile(draft)
	if err != nil {
		t.Fatal(err)
	}
	// The file gets its name when it is complete, because other test programs may make the same one.
	whole, err := os.CreateTemp(dir, "making-")
	if err != nil {
		t.Fatal(err)
	}
	_, err = whole.Write(b)
	if err := cmp.Or(err, whole.Close(), os.Rename(whole.Name(), path)); err != nil {
		t.Fatal(err)
	}
	return path
}

// pictures returns the clip's pictures, one byte a pixel: moving diagonal bars above the strip.
func (c numberedClip) pictures() []byte {
	size := c.Size.X * c.Size.Y
	b := make([]byte, c.Frames*size)
	strip, noise := framenumber.Strip(c.Size.X, c.Size.Y), rand.New(rand.NewPCG(1, 2))
	for n := range c.Frames {
		picture := b[n*size:][:size]
		for i := range picture {
			picture[i] = byte(64 + (i%c.Size.X+2*(i/c.Size.X)+3*n)%128)
			if c.Noisy {
				picture[i] += byte(noise.UintN(48))
			}
		}
		for i, isWhite := range framenumber.Encode(uint32(c.First + n)) {
			cell := framenumber.Cell(strip, i)
			for y := cell.Min.Y; y < cell.Max.Y; y++ {
				row := picture[y*c.Size.X+cell.Min.X : y*c.Size.X+cell.Max.X]
				copy(row, bytes.Repeat([]byte{map[bool]byte{false: 16, true: 235}[isWhite]}, len(row)))
			}
		}
	}
	return b
}

// videoClip is a video in NAL units, in the order of decoding.
type videoClip struct {
	codec  string
	frames []clipFrame
	ticks  uint32 // the length on RTP's clock
}

// clipFrame is an encoded frame.
type clipFrame struct {
	pts   uint32 // on RTP's clock
	isKey bool
	nalus [][]byte
	sets  [][]byte // the parameter sets that the frame needs
}

// loadClips returns the frames of one numbered clip behind those of another.
func loadClips(t testing.TB, clips ...numberedClip) *videoClip {
	t.Helper()
	v := &videoClip{codec: clips[0].withDefaults().Codec}
	for _, c := range clips {
		v.appendFile(t, c.make(t))
	}
	return v
}

// appendFile adds the frames of an MP4 file.
func (v *videoClip) appendFile(t testing.TB, path string) {
	t.Helper()
	sets, packets := readParameterSets(t, path, v.codec), testpeer.Packets(t, path)
	first := packets[0].PTS
	for _, p := range packets {
		first = min(first, p.PTS)
	}
	for _, p := range packets {
		frame := clipFrame{pts: v.ticks + uint32(fmp4.Ticks(p.PTS-first)), isKey: p.IsKey, sets: sets}
		for b := p.Data; len(b) > 4; {
			n := 4 + binary.BigEndian.Uint32(b)
			frame.nalus, b = append(frame.nalus, b[4:n:n]), b[n:]
		}
		v.frames = append(v.frames, frame)
	}
	v.ticks += uint32(len(packets) * fmp4.Timescale / clipRate)
}

// readParameterSets returns the parameter sets of an MP4 file.
func readParameterSets(t testing.TB, path, codec string) (sets [][]byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	record := func(name string) []byte {
		at := bytes.Index(file, []byte(name))
		if at < 4 {
			t.Fatalf("no %s in %s", name, path)
		}
		return file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))]
	}
	if codec == "h264" {
		config, err := avc.DecodeAVCDecConfRec(record("avcC"))
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(config.SPSnalus, config.PPSnalus)
	}
	config, err := hevc.DecodeHEVCDecConfRec(record("hvcC"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []hevc.NaluType{hevc.NALU_VPS, hevc.NALU_SPS, hevc.NALU_PPS} {
		sets = append(sets, config.GetNalusForType(kind)...)
	}
	return sets
}
