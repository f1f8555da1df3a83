// Package h26x turns the access units of one H.264 or H.265 track into what camd publishes. It parses headers and parameter sets only, and
// decodes nothing.
//
// A [Track] takes one access unit at a time: the NAL units of an RTP reader with [Track.Parse], or an Annex B byte stream with
// [Track.ParseAnnexB]. Parameter sets that are sent out of band come in by [Track.SetParameterSets] (SDP) or [Track.SetConfig]
// (extradata). The result is an [AccessUnit]: its NAL units, what kind of frame it is, its times, and its [Format].
//
//	track := h26x.NewTrack(h26x.H264, h26x.Options{})
//	unit, err := track.Parse(nalus, pts)
//	data := unit.AppendTo(make([]byte, 0, unit.Size()))
//
// # Parameter sets
//
// A Track keeps the parameter sets and puts them in front of every keyframe, so a viewer that begins there needs nothing else. They may be
// in band, in an access unit of their own, or several in one NAL unit with start codes between them. What the SPS says is valid,
// whatever the SDP says.
//
// # Reordering
//
// A decoder that reads an H.264 SPS without bitstream_restriction expects B-frames and holds back up to 16 frames. Cameras rarely have any.
// So a Track adds a restriction to the SPS that says "no reordering". The first B-frame whose PTS goes back ends that: its Format
// has the SPS as the camera sent it.
//
// # Decode times
//
// Without reordering, DTS is PTS. With it, a Track sorts the PTS of the frames that a decoder may hold back. How many these are is known from
// the SPS, or from the frames. This uses no picture order counts. So it also works for POC type 1, interlaced pictures,
// temporal layers, and after lost packets.
//
// The package is pure Go and uses only the standard library. A Track belongs to one goroutine. A Format is immutable.
package h26x
