package rtsp

import (
	"errors"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"

	"camd/pkg/camera"
	"camd/pkg/media/h26x"
)

// maxPackets bounds the packets of a frame. The library has no bound for packets without payload.
const maxPackets = 16384

// unit is what complete packets hold: the NAL units of an access unit, or a JPEG.
type unit struct {
	nalus [][]byte
	jpeg  []byte
	ticks int64 // on the media's clock, which begins at 0
}

// decoder joins the packets of a frame. It returns neither a unit nor an error while packets are missing.
type decoder interface {
	decode(p *rtp.Packet) (unit, error)
}

// packetReader makes units of packets and detects lost ones.
//
// The end of a unit is the marker bit, or another timestamp where a camera does not set the bit. To see the latter in time, a packet
// without the bit waits for the next one.
type packetReader struct {
	format   format.Format
	maxBytes int
	onUnit   func(unit)
	onLoss   func(cause string)

	decoder        decoder
	hasPacket      bool
	ssrc           uint32
	next           uint16 // the sequence number that is expected
	time           timeline
	held           *rtp.Packet
	packets, bytes int // of the unit

	isSkipping bool // the rest of the damaged unit, which is recognized by its timestamp
	skipped    uint32
}

func newPacketReader(f format.Format, maxBytes int, onUnit func(unit), onLoss func(string)) (*packetReader, error) {
	r := &packetReader{format: f, maxBytes: maxBytes, onUnit: onUnit, onLoss: onLoss}
	return r, r.reset()
}

// reset forgets the packets of the unit.
func (r *packetReader) reset() (err error) {
	r.held, r.packets, r.bytes = nil, 0, 0
	switch f := r.format.(type) {
	case *format.H264:
		d := &h264Decoder{}
		d.Decoder, err = f.CreateDecoder()
		r.decoder = d
	case *format.H265:
		d := &h265Decoder{}
		d.Decoder, err = f.CreateDecoder()
		r.decoder = d
	case *format.MJPEG:
		d := &mjpegDecoder{}
		d.Decoder, err = f.CreateDecoder()
		r.decoder = d
	}
	if err != nil {
		return &Error{Reason: camera.BadStream, NeedsDecoder: true, Detail: "the camera sends video in an order that camd cannot read: set reader to opencv"}
	}
	return nil
}

// add takes the next packet. It keeps the payload.
func (r *packetReader) add(p *rtp.Packet) {
	if !r.follows(p) {
		return
	}
	if h := r.held; h != nil {
		r.held = nil
		h.Marker = h.Marker || p.Timestamp != h.Timestamp
		r.decode(h)
	}
	if r.isSkipping && p.Timestamp == r.skipped {
		return
	}
	r.isSkipping = false
	if !p.Marker {
		r.held = p
		return
	}
	r.decode(p)
}

// follows checks the sequence number. It returns false for a packet that came before, and for one in the middle of a unit.
func (r *packetReader) follows(p *rtp.Packet) bool {
	step := p.SequenceNumber - r.next
	isFirst := !r.hasPacket
	switch {
	case isFirst || p.SSRC != r.ssrc:
		r.time.restart(p.Timestamp)
	case step == 0:
		r.next++
		return true
	case step == 0xFFFF: // the same again
		return false
	}
	r.ssrc, r.next, r.hasPacket = p.SSRC, p.SequenceNumber+1, true
	if isFirst && beginsUnit(codecOf(r.format), p.Payload, true) {
		return true
	}
	if !isFirst {
		r.lose(p.Timestamp, Lost)
	}
	r.isSkipping, r.skipped = !beginsUnit(codecOf(r.format), p.Payload, false), p.Timestamp
	return true
}

// lose drops the unit.
func (r *packetReader) lose(timestamp uint32, cause string) {
	_ = r.reset() // it succeeded before
	r.isSkipping, r.skipped = true, timestamp
	r.onLoss(cause)
}

func (r *packetReader) decode(p *rtp.Packet) {
	r.packets++
	if r.bytes += len(p.Payload); r.bytes > r.maxBytes || r.packets > maxPackets {
		r.lose(p.Timestamp, h26x.TooLarge)
		return
	}
	u, err := r.decoder.decode(p)
	switch {
	case err != nil:
		r.lose(p.Timestamp, Malformed)
		return
	case !p.Marker:
		return
	}
	r.packets, r.bytes = 0, 0
	if u.nalus == nil && u.jpeg == nil { // the marker is set, and the NAL unit is not complete
		r.lose(p.Timestamp, Malformed)
		return
	}
	u.ticks = r.time.next(p.Timestamp)
	r.onUnit(u)
}

type h264Decoder struct{ *rtph264.Decoder }

func (d *h264Decoder) decode(p *rtp.Packet) (u unit, err error) {
	u.nalus, err = d.Decode(p)
	return u, unlessIncomplete(err, rtph264.ErrMorePacketsNeeded)
}

type h265Decoder struct{ *rtph265.Decoder }

func (d *h265Decoder) decode(p *rtp.Packet) (u unit, err error) {
	u.nalus, err = d.Decode(p)
	return u, unlessIncomplete(err, rtph265.ErrMorePacketsNeeded)
}

type mjpegDecoder struct{ *rtpmjpeg.Decoder }

func (d *mjpegDecoder) decode(p *rtp.Packet) (u unit, err error) {
	u.jpeg, err = d.Decode(p)
	return u, unlessIncomplete(err, rtpmjpeg.ErrMorePacketsNeeded)
}

func unlessIncomplete(err, incomplete error) error {
	if errors.Is(err, incomplete) {
		return nil
	}
	return err
}
