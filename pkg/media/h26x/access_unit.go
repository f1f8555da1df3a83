package h26x

import (
	"encoding/binary"
	"time"
)

// AccessUnit is a frame as a Track delivers it. It belongs to the Track: it and its NAL units are valid until the Track's next call.
type AccessUnit struct {
	Format     *Format
	PTS, DTS   time.Duration // on the source's clock; they go on where the source sets it. DTS is strictly increasing
	Interval   time.Duration // between the last two decode times; 0 if that is not known yet
	Key        bool          // decoding can begin here: IDR (H.264, H.265), CRA or BLA (H.265)
	Disposable bool          // no other frame refers to it
	Leading    bool          // RASL (H.265): it refers to frames in front of the keyframe, so a decoder that began there cannot decode it
	NALUs      [][]byte      // in front of a keyframe's are the parameter sets of Format; the others alias the input
}

// Size returns how many bytes AppendTo adds.
func (u *AccessUnit) Size() int {
	n := 0
	for _, nalu := range u.NALUs {
		n += 4 + len(nalu)
	}
	return n
}

// AppendTo adds the NAL units to b, each with its length of 4 bytes, big endian, in front (ISO 14496-15, section 5.3.4.2).
func (u *AccessUnit) AppendTo(b []byte) []byte {
	for _, nalu := range u.NALUs {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(nalu))), nalu...)
	}
	return b
}
