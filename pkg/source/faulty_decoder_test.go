package source

import (
	"bytes"
	"os"
	"syscall"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// faultyDecoder is a capture process that answers each frame with a picture that it has drawn, until its fault shows.
type faultyDecoder struct {
	fault  string
	first  bool // it is the first one of the test
	in     *wire.Reader
	out    *wire.Writer
	wanted [2]bool
	frames int
	isKey  bool // the newest frame
}

func (d *faultyDecoder) run() {
	if d.fault == "deaf" { // never reads
		time.Sleep(time.Hour)
	}
	for {
		m, err := d.in.Next()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case wire.Start:
			if !d.open(m) {
				return
			}
		case wire.Demand:
			d.wanted[m.Rendition] = m.Wanted
		case wire.VideoFrame:
			_ = d.in.SkipPicture()
			if m.Hidden {
				_ = d.out.Write(wire.Heartbeat{Captured: m.Captured, Count: m.Count})
				continue
			}
			if d.fault == "undecodable" {
				_ = d.out.Write(wire.Ended{Reason: string(camera.BadStream), Detail: "unknown profile", Unsupported: true})
				return
			}
			d.isKey = m.Key
			d.answer(m.Captured, m.Count)
		case wire.Stop:
			return
		}
	}
}

// open opens a decoder. A capture process that is to read a camera says that it cannot, unless it is told to decode.
func (d *faultyDecoder) open(start wire.Start) bool {
	switch {
	case start.Decode:
		_ = d.out.Write(wire.Opened{Backend: "FFMPEG", Codec: "h264", Width: 32, Height: 16})
	case start.Reader == options.ReaderOpenCV:
		sendFrames(d.out, 3)
	default:
		_ = d.out.Write(wire.Ended{Reason: string(camera.BadStream), Detail: "no packets", Unsupported: true})
		return false
	}
	return true
}

// answer sends the picture of a frame in the wanted renditions.
func (d *faultyDecoder) answer(captured int64, count uint64) {
	d.frames++
	shade := uint8(d.frames)
	switch faulty := d.frames > 3; d.fault {
	case "crash":
		if faulty && d.first {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	case "hungry":
		if faulty && d.first && heldMemory == nil {
			heldMemory = bytes.Repeat([]byte{1}, 256<<20)
		}
	case "silent":
		if faulty {
			return
		}
	case "refuses":
		if faulty {
			_ = d.out.Write(wire.Refused{Pictures: map[string]uint64{media.Damaged: 1}, Cause: media.Damaged, Detail: "3 of 9 blocks"})
			return
		}
	case "late":
		captured -= int64(time.Minute)
	case "repeats":
		shade = 0
	case "shows keyframes": // they are white
		if shade = 100; d.isKey {
			shade = 255
		}
	}
	for i, wanted := range d.wanted {
		if wanted {
			_ = d.out.WriteFrame(wire.Frame{Rendition: uint8(i), Captured: captured, Count: count}, shadedJPEG(shade))
		}
	}
}
