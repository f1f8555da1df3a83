package broker

import "time"

// Frame is one encoded picture, which all readers share. Do not modify it or what it refers to after Publish.
type Frame struct {
	// Seq is the frame's number in its topic, from 1 and without gaps. Publish sets it.
	Seq uint64
	// KeySeq is the Seq of the keyframe where decoding has to begin: the frame itself if it is a keyframe, else the newest keyframe
	// before it. A leading frame needs the keyframe before that one. It is 0 if the topic never had that keyframe. Publish sets it.
	KeySeq uint64
	// Captured is when the picture was taken. It has a monotonic reading, so time.Since returns the picture's age.
	Captured time.Time
	// Published is when Publish was called, by the monotonic clock. The rules about lateness use only this time. A change of the wall
	// clock does not show in it.
	Published time.Time
	// PTS and DTS are the times of presentation and of decoding on the clock of the track.
	PTS, DTS time.Duration
	// Key marks a keyframe. Decoding can begin with it. Every JPEG is a keyframe.
	Key bool
	// Disposable marks a frame that no other frame refers to.
	Disposable bool
	// Leading marks a frame that follows a keyframe and refers to frames before it (RASL pictures: ITU-T H.265 section 3). Frames
	// that follow the leading frames do not refer to them.
	Leading bool
	// Placeholder marks a picture that camd drew because the camera has none.
	Placeholder bool
	// Withdrawn marks what takes the place of a frame after [Topic.Withdraw]. Readers never get it.
	Withdrawn bool
	// Format describes how the frame is encoded. Publish replaces nil by an empty format, so readers never get nil.
	Format *Format
	// Wire is what most viewers are sent: a complete part of a multipart stream, or a fragment of an MP4 file.
	Wire []byte
	// Data is the encoded picture alone: a JPEG, or NAL units that each follow their length in 4 bytes. It aliases Wire.
	Data []byte
}

// Format describes the frames of a track. All frames of one configuration share one Format: a new pointer is a new configuration. Package
// broker passes it on and reads none of it. Do not modify it.
type Format struct {
	// Codec names the encoding, such as jpeg, h264 or h265.
	Codec string
	// CodecString is the codec for browsers, as the parameter codecs has it (RFC 6381), such as avc1.640028. It is empty for a JPEG.
	CodecString string
	// Width and Height are the pictures' size in pixels.
	Width, Height int
	// Init is the initialisation segment of an MP4 file (ISO/IEC 14496-12). It is empty for a JPEG.
	Init []byte
}

// unknownFormat is the format of frames that are published without one.
var unknownFormat = new(Format)
