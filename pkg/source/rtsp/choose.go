package rtsp

import (
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"camd/pkg/camera"
	"camd/pkg/media/h26x"
)

// choose returns the first media that camd can read, and its format. Audio, data and back channels are left out.
func choose(medias []*description.Media) (*description.Media, format.Format, error) {
	if len(medias) > maxMedias {
		return nil, nil, &Error{Reason: camera.BadStream, Detail: fmt.Sprintf("the camera offers %d media streams, more than %d", len(medias), maxMedias)}
	}
	other := ""
	for _, media := range medias {
		if media.Type != description.MediaTypeVideo || media.IsBackChannel {
			continue
		}
		for _, one := range media.Formats {
			if codecOf(one) != "" {
				return media, one, nil
			}
			other = one.Codec()
		}
	}
	if other == "" {
		return nil, nil, &Error{Reason: camera.BadStream, Detail: "the camera offers no video: check the path in source"}
	}
	return nil, nil, &Error{Reason: camera.BadStream, NeedsDecoder: true,
		Detail: fmt.Sprintf("the camera sends %q video: choose H.264 at the camera", other)}
}

// quietFormat is a format for which the library makes no receiver reports. Those of gortsplib v5.3.0 divide by the number of packets since
// the last report, so a camera that is silent for two of them would end the process (rtpreceiver.Receiver.report). Without a clock rate, it
// makes none. It also does not look into the packets for times then, which camd does itself.
type quietFormat struct{ format.Format }

func (quietFormat) ClockRate() int                { return 0 }
func (quietFormat) PTSEqualsDTS(*rtp.Packet) bool { return false }

// codecOf returns the codec of a format, "" if camd cannot read it.
func codecOf(f format.Format) h26x.Codec {
	switch f.(type) {
	case *format.H264:
		return h26x.H264
	case *format.H265:
		return h26x.H265
	case *format.MJPEG:
		return MJPEG
	}
	return ""
}
