package fmp4

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"camd/pkg/media/h26x"
)

// HeadSize is how many bytes of a fragment are in front of the frame's data: moof, and the header of mdat.
const HeadSize = moofSize + 8

// Sizes and offsets of the boxes of a head.
const (
	mfhdSize = 16
	tfhdSize = 20
	tfdtSize = 20
	trunSize = 32
	trafSize = 8 + tfhdSize + tfdtSize + trunSize
	moofSize = 8 + mfhdSize + trafSize

	sequenceAt   = 8 + 12
	durationAt   = 8 + mfhdSize + 8 + 16
	decodeTimeAt = 8 + mfhdSize + 8 + tfhdSize + 12
	offsetAt     = moofSize - 4
)

// defaultDuration is a frame's duration as long as that is not known: 40 ms, in ticks.
const defaultDuration = Timescale / 25

// NewFragment builds the fragment of a frame: moof, with the head's sequence number 0 and the frame's own DTS, and mdat. It is one
// allocation. The data is behind the first HeadSize bytes.
func NewFragment(u *h26x.AccessUnit) []byte { return AppendFragment(nil, u) }

// AppendFragment appends what NewFragment builds to b. It allocates only if b has no room.
func AppendFragment(b []byte, u *h26x.AccessUnit) []byte {
	size := u.Size()
	return u.AppendTo(appendHead(slices.Grow(b, HeadSize+size), u, size))
}

// SetTime sets the sequence number (mfhd) and the decode time (tfdt, in ticks) in a copy of a fragment's first HeadSize bytes. The
// composition offset stays.
func SetTime(head []byte, sequence uint32, decodeTime uint64) {
	binary.BigEndian.PutUint32(head[sequenceAt:], sequence)
	binary.BigEndian.PutUint64(head[decodeTimeAt:], decodeTime)
}

// SetOffset sets the composition offset (trun), in ticks, in a copy of a fragment's first HeadSize bytes.
func SetOffset(head []byte, offset int64) {
	binary.BigEndian.PutUint32(head[offsetAt:], compositionOffset(offset))
}

// Duration returns the frame's duration (tfhd), in ticks, from a fragment's first HeadSize bytes.
func Duration(head []byte) int64 { return int64(binary.BigEndian.Uint32(head[durationAt:])) }

// Ticks returns a time in ticks, rounded to the nearest. Times up to 30 years are valid.
func Ticks(d time.Duration) int64 {
	const nanoseconds, ticks = 100_000, 9 // Timescale, as a fraction of ticks and nanoseconds in lowest terms
	half := int64(nanoseconds / 2)
	if d < 0 {
		half = -half
	}
	return (int64(d)*ticks + half) / nanoseconds
}

// appendHead appends a fragment's head: moof with one sample (ISO 14496-12, section 8.8), and the header of mdat.
func appendHead(b []byte, u *h26x.AccessUnit, size int) []byte {
	decodeTime := Ticks(u.DTS)
	duration := uint32(defaultDuration)
	if u.Interval > 0 {
		duration = uint32(max(Ticks(u.Interval), 1))
	}
	b = appendBox(b, "moof", moofSize)
	b = appendBox(b, "mfhd", mfhdSize, 0, 0)
	b = appendBox(b, "traf", trafSize)
	b = appendBox(b, "tfhd", tfhdSize, 0x020008, trackID, duration) // default-base-is-moof, default_sample_duration
	b = appendBox(b, "tfdt", tfdtSize, 1<<24)                       // version 1: a time of 64 bits
	b = binary.BigEndian.AppendUint64(b, uint64(max(decodeTime, 0)))
	b = appendBox(b, "trun", trunSize, 1<<24|0xE01, // version 1: the offset is signed. It has data_offset, size, flags and composition offset
		1, HeadSize, uint32(size), sampleFlags(u), compositionOffset(Ticks(u.PTS)-decodeTime))
	return appendBox(b, "mdat", 8+size)
}

func appendBox(b []byte, kind string, size int, content ...uint32) []byte {
	return appendWords(append(binary.BigEndian.AppendUint32(b, uint32(size)), kind...), content...)
}

// compositionOffset returns a signed offset as the 32 bits that trun has for it.
func compositionOffset(ticks int64) uint32 {
	return uint32(int32(min(max(ticks, math.MinInt32), math.MaxInt32)))
}

// sampleFlags returns sample_flags (ISO 14496-12, section 8.8.3.1).
func sampleFlags(u *h26x.AccessUnit) uint32 {
	if u.Key {
		return 2 << 24 // sample_depends_on: no other
	}
	flags := uint32(1<<24 | 1<<16) // sample_depends_on: others; sample_is_non_sync_sample
	if u.Leading {
		flags |= 1 << 26 // is_leading: it depends on frames in front of the keyframe
	}
	if u.Disposable {
		flags |= 2 << 22 // sample_is_depended_on: no other depends on it
	}
	return flags
}
