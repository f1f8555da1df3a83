package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// sampleMessages holds every kind of message except Frame and VideoFrame, filled and empty. Hello must be the first.
var sampleMessages = []Message{
	Hello{Version: Version},
	Start{},
	Start{Source: "rtsp://10.0.0.7/ä b", User: "viewer", Password: "p\"\\\x00 ", ReadTimeout: time.Nanosecond,
		Capture: options.Capture{Size: sourceurl.Size{Width: 1280, Height: 720}, FPS: 12.5, Format: "mjpeg", Quality: 80, Transport: "udp", Once: true,
			TLS: tlsverify.Options{CAFile: "/ca.pem", Fingerprint: "sha256:00", SkipVerify: true}, RedirectHosts: []string{"cdn.example.com", "::1"},
			OpenTimeout: 3 * time.Second, CaptureMemory: 1 << 40, Limits: media.Limits{Bytes: 1 << 20, Pixels: 1 << 24}},
		Controls:   map[string]camera.Setting{"gain": {Kind: "switch", Number: 1}},
		Renditions: []camera.Rendition{{Name: "small", Width: 320, FPS: 0.5, Quality: 70}, {}}},
	Opened{},
	Opened{Backend: "V4L2", Codec: "mjpeg", Width: 1280, Height: 720, FPS: 29.97, Passthrough: true, Note: "asked for 30 fps"},
	Heartbeat{},
	Heartbeat{Captured: -1, Count: 1<<64 - 1},
	Demand{},
	Demand{Wanted: true},
	Demand{Rendition: options.MaxRenditions, Wanted: true},
	Ended{},
	Ended{Reason: "busy", Detail: "another program has it"},
	Ended{Reason: "bad_stream", Unsupported: true},
	VideoFormat{},
	VideoFormat{Codec: "h265", CodecString: "hvc1.1.6.L93.B0", Width: 1920, Height: 1080, Init: []byte{0, 255}},
	Stop{},
	Renditions{},
	Renditions{Quality: 70, List: []camera.Rendition{{Width: 640, FPS: 5, Quality: 60}, {}, {Width: 16, FPS: 0.001, Quality: 1}}},
	Refused{},
	Refused{Pictures: map[string]uint64{"damaged": 1}, Cause: "damaged", Detail: "ä"},
	Refused{Pictures: map[string]uint64{"damaged": 1<<64 - 1, "truncated": 0}},
	SetControls{},
	SetControls{Request: 1<<32 - 1, Set: map[string]camera.Setting{"brightness": {Kind: "number", Number: -1 << 63}, "ä": {Kind: "text", Text: "50 Hz"}}},
	Controls{},
	Controls{Request: 1, ErrorKind: "timeout", Detail: "no answer", Refused: map[string]string{"hue": "not there"}, List: []camera.Control{
		{Name: "hue", Title: "Hue", Kind: "integer", Min: -1 << 63, Max: 1<<63 - 1, Step: 1, Default: 2, Value: 3, HasValue: true, Volatile: true},
		{Name: "menu", Kind: "menu", Menu: map[int64]string{0: "off", 10: ""}, ReadOnly: true, Inactive: true},
	}},
}

var sampleFrame = Frame{Captured: 1<<62 + 1, Count: 1<<63 + 1, Encode: 5 * time.Millisecond}

// sampleVideoFrames hold each flag once.
var sampleVideoFrames = []VideoFrame{
	{Captured: 1<<62 + 1, Count: 1<<63 + 1, PTS: time.Hour, DTS: -time.Hour, Key: true},
	{Captured: -1, PTS: -1, DTS: 1<<63 - 1, Disposable: true},
	{DTS: -1 << 63, Leading: true},
	{Hidden: true},
	{Key: true, Last: true},
}

// encodeMessages returns the bytes that a Writer writes for messages. It adds no hello.
func encodeMessages(t testing.TB, messages ...Message) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, m := range messages {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// encodeFrame returns a frame with a picture of n bytes.
func encodeFrame(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := NewWriter(&b).WriteFrame(sampleFrame, bytes.Repeat([]byte{0xA5}, n)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encodeVideoFrame returns a frame of video with a fragment of n bytes.
func encodeVideoFrame(t testing.TB, f VideoFrame, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := NewWriter(&b).WriteVideoFrame(f, bytes.Repeat([]byte{0xA5}, n)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawMessage returns a message of any kind with any body.
func rawMessage(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	return append(append(b, kind), body...)
}

// encodedHello returns a valid hello, to precede the tested bytes.
func encodedHello(t testing.TB) []byte { return encodeMessages(t, Hello{Version}) }
