// Package matroska writes a Matroska stream (RFC 9559) of one video track, for a decoder that reads it from a pipe while it is being written.
//
// A stream is [AppendHeader], and then for each frame [AppendClusterHead] and the frame's data. [AppendVoid] pads. Each frame has a cluster of
// its own, whose size is known, so a reader has the frame as soon as its last byte has come. Nothing is ever written twice, and there is
// no index and no end.
//
// Why not MPEG-TS: its packets end where the next one begins, because the length of a PES packet has 16 bits and a keyframe often has more
// bytes. The reader would also need the next access unit delimiter to see the end of a frame. A time there is in 33 bits; here it
// is a number that the writer chooses, so it can be the frame's number.
//
// The package is pure Go and has no state. Its functions are safe for concurrent use.
package matroska

import "encoding/binary"

// Codec is the CodecID of a track (RFC 9559, section 27.2, and the Matroska codec mappings).
type Codec string

// Codecs. The data of their frames may be Annex B byte streams with the parameter sets in front of keyframes, because the track has no
// CodecPrivate. FFmpeg reads it so.
const (
	H264 Codec = "V_MPEG4/ISO/AVC"
	H265 Codec = "V_MPEGH/ISO/HEVC"
)

// Element IDs (RFC 8794, section 11, and RFC 9559, section 5.1).
const (
	idEBML            = 0x1A45DFA3
	idDocType         = 0x4282
	idDocTypeVersion  = 0x4287
	idDocTypeReadVers = 0x4285
	idVoid            = 0xEC
	idSegment         = 0x18538067
	idInfo            = 0x1549A966
	idTimestampScale  = 0x2AD7B1
	idMuxingApp       = 0x4D80
	idWritingApp      = 0x5741
	idTracks          = 0x1654AE6B
	idTrackEntry      = 0xAE
	idTrackNumber     = 0xD7
	idTrackUID        = 0x73C5
	idTrackType       = 0x83
	idFlagLacing      = 0x9C
	idCodecID         = 0x86
	idVideo           = 0xE0
	idPixelWidth      = 0xB0
	idPixelHeight     = 0xBA
	idCluster         = 0x1F43B675
	idTimestamp       = 0xE7
	idSimpleBlock     = 0xA3
)

// AppendHeader appends the header of a stream: EBML, and a Segment of unknown size with Info and Tracks. Timestamps are in milliseconds.
// The size of the pictures is in pixels.
func AppendHeader(b []byte, codec Codec, width, height int) []byte {
	b = master(b, idEBML, func(b []byte) []byte {
		b = text(b, idDocType, "matroska")
		return number(number(b, idDocTypeVersion, 4), idDocTypeReadVers, 2)
	})
	b = append(appendID(b, idSegment), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF) // unknown size (RFC 8794, section 6.2)
	b = master(b, idInfo, func(b []byte) []byte {
		b = number(b, idTimestampScale, 1_000_000) // nanoseconds
		return text(text(b, idMuxingApp, "camd"), idWritingApp, "camd")
	})
	return master(b, idTracks, func(b []byte) []byte {
		return master(b, idTrackEntry, func(b []byte) []byte {
			b = number(number(b, idTrackNumber, 1), idTrackUID, 1)
			b = number(number(b, idTrackType, 1), idFlagLacing, 0) // video
			b = text(b, idCodecID, string(codec))
			return master(b, idVideo, func(b []byte) []byte {
				return number(number(b, idPixelWidth, uint64(width)), idPixelHeight, uint64(height))
			})
		})
	})
}

// Sizes of the elements of a cluster in bytes. Numbers have 8 bytes, so that sizes do not depend on values.
const (
	timestampSize  = 1 + 1 + 8
	blockHeadSize  = 1 + 2 + 1
	blockStartSize = 1 + 8 + blockHeadSize

	// ClusterHeadSize is how many bytes AppendClusterHead appends.
	ClusterHeadSize = 4 + 8 + timestampSize + blockStartSize
)

// AppendClusterHead appends what is in front of a frame's data: a Cluster, its Timestamp, and a SimpleBlock whose data has size bytes.
// timestamp is in milliseconds. FFmpeg gives it to the decoded picture, whatever the order of display is.
func AppendClusterHead(b []byte, timestamp uint64, isKey bool, size int) []byte {
	b = appendSize(appendID(b, idCluster), timestampSize+blockStartSize+size)
	b = number(b, idTimestamp, timestamp)
	b = appendSize(appendID(b, idSimpleBlock), blockHeadSize+size)
	flags := byte(0)
	if isKey {
		flags = 0x80
	}
	return append(b, 0x81, 0, 0, flags) // track 1, at the time of the cluster (RFC 9559, section 10.2)
}

// voidHeadSize is how many bytes of a Void element are in front of its content.
const voidHeadSize = 1 + 8

// AppendVoid appends a Void element of size bytes in total, which readers skip. It appends the smallest one, of 9 bytes, if size is less.
func AppendVoid(b []byte, size int) []byte {
	content := max(size-voidHeadSize, 0)
	return append(appendSize(appendID(b, idVoid), content), make([]byte, content)...)
}

// appendID appends an element ID, which has its length in its first byte.
func appendID(b []byte, id uint32) []byte {
	switch {
	case id > 0xFFFFFF:
		return binary.BigEndian.AppendUint32(b, id)
	case id > 0xFFFF:
		return append(b, byte(id>>16), byte(id>>8), byte(id))
	case id > 0xFF:
		return append(b, byte(id>>8), byte(id))
	}
	return append(b, byte(id))
}

// appendSize appends an element's size as a number of 8 bytes (RFC 8794, section 4).
func appendSize(b []byte, size int) []byte {
	return binary.BigEndian.AppendUint64(b, 1<<56|uint64(size))
}

// number appends an element with an unsigned number.
func number(b []byte, id uint32, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(appendID(b, id), 0x88), n)
}

// text appends an element with a string of less than 127 bytes.
func text(b []byte, id uint32, s string) []byte {
	return append(append(appendID(b, id), 0x80|byte(len(s))), s...)
}

// master appends an element with the elements that content appends.
func master(b []byte, id uint32, content func(b []byte) []byte) []byte {
	b = appendSize(appendID(b, id), 0)
	start := len(b)
	b = content(b)
	binary.BigEndian.PutUint64(b[start-8:], 1<<56|uint64(len(b)-start))
	return b
}
