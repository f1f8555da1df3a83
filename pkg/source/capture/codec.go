package capture

import "strings"

// codecs maps the lower-case FOURCCs of FFmpeg and V4L2 to names, where several mean the same codec.
var codecs = map[string]string{
	"mjpg": "mjpeg", "mjpe": "mjpeg", "jpeg": "mjpeg", "mjpa": "mjpeg", "avrn": "mjpeg", // RTSP: the first four letters of the codec's name
	"avc1": "h264", "x264": "h264",
	"hev1": "hevc", "hvc1": "hevc", "h265": "hevc",
	"mp4v": "mpeg4", "mpeg": "mpeg", "vp80": "vp8", "vp90": "vp9", "av01": "av1",
	"bgr3": "bgr24", "rgb3": "rgb24", "yu12": "i420", "422p": "yuv422p",
}

// streamTypes maps the stream types of MPEG-TS (ISO 13818-1, table 2-34) to names. FFmpeg has them in the place of a FOURCC.
var streamTypes = map[uint32]string{0x01: "mpeg1video", 0x02: "mpeg2video", 0x10: "mpeg4", 0x1B: "h264", 0x24: "hevc"}

// codecName returns the name of a codec from OpenCV's FOURCC property, which has the first of four bytes in the lowest bits.
func codecName(property float64) string {
	code := uint32(int64(property))
	if name, ok := streamTypes[code]; ok {
		return name
	}
	var b []byte
	for range 4 {
		if c := byte(code); c > ' ' && c < 0x7f {
			b = append(b, c)
		}
		code >>= 8
	}
	name := strings.ToLower(string(b))
	if known, ok := codecs[name]; ok {
		return known
	}
	return name
}

// formats maps other names of V4L2 formats to their FOURCCs.
var formats = map[string]string{
	"mjpeg": "MJPG", "bgr24": "BGR3", "rgb24": "RGB3", "i420": "YU12", "yuv420": "YU12", "yvu420": "YV12", "grey": "GREY", "gray": "GREY",
}

// fourCC returns OpenCV's FOURCC property for a format in the configuration, or 0 if there can be no such format.
func fourCC(format string) float64 {
	code, ok := formats[strings.ToLower(format)]
	if !ok {
		code = strings.ToUpper(format)
	}
	if len(code) != 4 {
		return 0
	}
	return float64(uint32(code[0]) | uint32(code[1])<<8 | uint32(code[2])<<16 | uint32(code[3])<<24)
}
