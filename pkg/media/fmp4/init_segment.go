package fmp4

import (
	"encoding/binary"

	"camd/pkg/media/h26x"
)

// Timescale is how many ticks a second has in the track. It is the clock rate of RTP for video (RFC 6184, section 5.1).
const Timescale = 90000

// trackID is the track's in all boxes.
const trackID = 1

// NewInit builds the initialisation segment of a format: ftyp and moov. It has one video track, avc1 or hvc1, with the format's parameter sets.
func NewInit(f *h26x.Format) []byte {
	b := box(nil, "ftyp", func(b []byte) []byte {
		return append(appendWords(append(b, "iso6"...), 1), "iso6mp41"...) // iso6: tfdt, trun version 1 and default-base-is-moof
	})
	return box(b, "moov", boxes(
		in("mvhd", movieHeader),
		in("trak", boxes(
			in("tkhd", trackHeader(f)),
			in("mdia", boxes(
				in("mdhd", words(0, 0, 0, Timescale, 0, 0x55C40000)), // section 8.4.2: language "und"
				in("hdlr", handler),
				in("minf", boxes(
					in("vmhd", words(1, 0, 0)),
					in("dinf", in("dref", boxes(words(0, 1), in("url ", words(1))))), // section 8.7.2: the data is in this file
					in("stbl", sampleTable(f)))))))),
		in("mvex", in("trex", words(0, trackID, 1, 0, 0, 0)))))
}

// unityMatrix is the transformation of a picture that is shown as it is (section 8.2.2.2).
var unityMatrix = [9]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000}

// movieHeader appends the content of mvhd, version 0 (section 8.2.2). The duration is 0, because it is not known.
func movieHeader(b []byte) []byte {
	b = appendWords(b, 0, 0, 0, Timescale, 0, 0x10000, 0x01000000, 0, 0) // rate 1, volume 1
	b = appendWords(b, unityMatrix[:]...)
	return appendWords(b, 0, 0, 0, 0, 0, 0, trackID+1)
}

// trackHeader returns the content of tkhd, version 0 (section 8.3.2). The track is enabled and in the movie.
func trackHeader(f *h26x.Format) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = appendWords(b, 3, 0, 0, trackID, 0, 0, 0, 0, 0, 0)
		b = appendWords(b, unityMatrix[:]...)
		return appendWords(b, uint32(f.Width)<<16, uint32(f.Height)<<16)
	}
}

// handler appends the content of hdlr (section 8.4.3).
func handler(b []byte) []byte {
	b = append(appendWords(b, 0, 0), "vide"...)
	return append(appendWords(b, 0, 0, 0), "video\x00"...)
}

// sampleTable returns the boxes of stbl. All but stsd are empty, because samples are in fragments.
func sampleTable(f *h26x.Format) func(b []byte) []byte {
	entry, config := "avc1", "avcC"
	if f.Codec == h26x.H265 {
		entry, config = "hvc1", "hvcC"
	}
	return boxes(
		in("stsd", boxes(words(0, 1), in(entry, boxes(
			visualSample(f),
			in(config, func(b []byte) []byte { return append(b, f.Config...) }))))),
		in("stts", words(0, 0)),
		in("stsc", words(0, 0)),
		in("stsz", words(0, 0, 0)),
		in("stco", words(0, 0)))
}

// visualSample returns the fields of VisualSampleEntry (section 12.1.3): 72 dpi, one frame per sample, no compressor's name, 24 bits.
func visualSample(f *h26x.Format) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = appendWords(b, 0, 1, 0, 0, 0, 0) // data_reference_index 1
		b = binary.BigEndian.AppendUint16(b, uint16(f.Width))
		b = binary.BigEndian.AppendUint16(b, uint16(f.Height))
		b = appendWords(b, 0x480000, 0x480000, 0)
		b = binary.BigEndian.AppendUint16(b, 1)
		b = append(b, make([]byte, 32)...)
		return append(b, 0, 0x18, 0xFF, 0xFF)
	}
}
