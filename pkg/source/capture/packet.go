package capture

// #include "packet_times.h"
import "C"

import (
	"errors"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
)

// packet is an undecoded frame of an ffmpegSource.
type packet struct {
	data []byte // Annex B; valid until the source is read again
	packetTimes
}

// packetTimes are the times of a packet on the source's clock. Either may be missing.
type packetTimes struct {
	pts, dts       time.Duration
	hasPTS, hasDTS bool
}

// newestPacketTimes returns the times of the packet that FFmpeg read last on this thread. It returns none if OpenCV does not call the
// function in packet_times.c.
func newestPacketTimes() packetTimes {
	t := C.packet_times_newest()
	pts, dts := time.Duration(t.pts), time.Duration(t.dts)
	return packetTimes{pts, dts, isTime(pts), isTime(dts)}
}

// isTime reports whether a packet's time is one. A time that is years from 0 is damaged, and sums with it could overflow.
func isTime(t time.Duration) bool {
	const limit = 1 << 58 // 9 years; NO_TIME is beyond
	return -limit < t && t < limit
}

// videoCodec returns the codec of packets that can be passed on, "" for all others. name is one of codecName.
func videoCodec(name string) h26x.Codec {
	switch name {
	case "h264":
		return h26x.H264
	case "hevc":
		return h26x.H265
	}
	return ""
}

// extradataIndex is OpenCV's property CAP_PROP_CODEC_EXTRADATA_INDEX: the channel from which the codec's configuration can be retrieved.
const extradataIndex = gocv.VideoCaptureProperties(68)

// extradata returns a copy of the parameter sets that the container has apart from the packets, nil if it has none.
func (f *ffmpegSource) extradata() []byte {
	m := gocv.NewMat()
	defer m.Close()
	index := int(f.vc.Get(extradataIndex))
	if index <= 0 || !f.vc.RetrieveChannel(&m, index) || m.Empty() || m.Type() != gocv.MatTypeCV8U {
		return nil
	}
	return m.ToBytes()
}

// nextPacket returns the next packet.
func (f *ffmpegSource) nextPacket() (packet, error) {
	if !f.pending {
		if err := f.grab(); err != nil {
			return packet{}, err
		}
	}
	f.pending = false
	p := packet{packetTimes: f.times}
	if f.vc.Retrieve(&f.packet) && !f.packet.Empty() && f.packet.Type() == gocv.MatTypeCV8U {
		p.data, _ = f.packet.DataPtrUint8()
	}
	return p, nil
}

// maxProbePackets is how many packets findKeyframe reads.
const maxProbePackets = 600

// findKeyframe reads up to the first keyframe, which stays the next packet. It returns an error if there is none in the first packets or
// before the deadline, or if the packets cannot be passed on.
func (f *ffmpegSource) findKeyframe(deadline time.Time) error {
	track := h26x.NewTrack(f.codec, h26x.Options{MaxBytes: f.limits.Bytes})
	_ = track.SetConfig(f.extradata())
	var refused error
	for n := range maxProbePackets {
		p, err := f.nextPacket()
		if errors.Is(err, errStreamEnded) {
			break
		}
		if err != nil {
			return err
		}
		if !p.hasPTS { // without times, the order of B-frames is not known
			return newFailure(camera.BadStream, "its packets have no times")
		}
		unit, err := track.ParseAnnexB(p.data, p.pts)
		switch {
		case err != nil:
			refused = err
		case unit != nil && unit.Key && len(fmp4.NewInit(unit.Format)) > maxInit:
			return newFailure(camera.BadStream, "its parameter sets are too large")
		case unit != nil && unit.Key:
			f.pending = true
			return nil
		}
		if time.Now().After(deadline) {
			return newFailure(camera.BadStream, "none of its first %d frames is a keyframe", n+1)
		}
	}
	if refused != nil {
		return newFailure(camera.BadStream, "%v", refused)
	}
	return newFailure(camera.BadStream, "none of its first frames is a keyframe")
}
