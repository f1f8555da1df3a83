package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

func TestReaderRejectsInvalidMessages(t *testing.T) {
	size := func(n uint32, rest ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), rest...) }
	afterHello := func(b []byte) []byte { return append(encodedHello(t), b...) }
	tests := []struct {
		name, want string
		in         []byte
	}{
		{"a newer build", "version must be 8, is 9: install camd and camd-capture of the same build", encodeMessages(t, Hello{9})},
		{"a newer build with a longer hello", "of the same build", rawMessage(kindHello, "camd\x00\x09 and more")},
		{"a hello too long", "9 bytes, must be 6", rawMessage(kindHello, "camd\x00\x08abc")},
		{"a hello too short", "does not use the protocol of camd", rawMessage(kindHello, "camd\x00")},
		{"another magic", "does not use the protocol of camd", rawMessage(kindHello, "CAMD\x00\x01")},
		{"another protocol", "before hello", []byte("HTTP/1.1 400 Bad Request\r\n\r\n")},
		{"text", `message 'e' before hello`, []byte("Usage: foo")},
		{"a frame before hello", `'F' before hello`, encodeFrame(t, 5)},
		{"a message before hello", `'B' before hello`, encodeMessages(t, Heartbeat{})},
		{"an empty message", "empty message", afterHello(size(0))},
		{"an unknown type", "'x': unknown type", afterHello(rawMessage('x', ""))},
		{"too large", "of 65537 bytes, more than 65536", afterHello(size(MaxMessage+1, kindEnded))},
		{"far too large", "of 4294967295 bytes, more than 65536", afterHello(size(1<<32-1, kindStop))},
		{"too large before hello", "more than 65536", size(1<<32-1, kindHello)},
		{"a frame too large", "frame of 33554458 bytes", afterHello(size(1+frameHeaderSize+MaxFrame+1, kindFrame))},
		{"a frame far too large", "frame of 4294967294 bytes", afterHello(size(1<<32-1, kindFrame))},
		{"a frame without picture", "frame of 25 bytes, must have 26", afterHello(rawMessage(kindFrame, strings.Repeat("\x00", frameHeaderSize)))},
		{"a frame without header", "frame of 0 bytes", afterHello(rawMessage(kindFrame, ""))},
		{"a video frame without data", "frame of 33 bytes, must have 34", afterHello(rawMessage(kindVideo, strings.Repeat("\x00", videoFrameHeaderSize)))},
		{"a video frame with other flags", "unknown flags 0x20", afterHello(rawMessage(kindVideo, "\x20"+strings.Repeat("\x00", videoFrameHeaderSize)))},
		{"a short beat", "15 bytes, must be 16", afterHello(rawMessage(kindHeartbeat, strings.Repeat("\x00", 15)))},
		{"a long beat", "17 bytes, must be 16", afterHello(rawMessage(kindHeartbeat, strings.Repeat("\x00", 17)))},
		{"a demand of 2", "00 02 00 00 00 00 00 00 00 00 is not a rendition", afterHello(rawMessage(kindDemand, "\x00\x02"+strings.Repeat("\x00", 8)))},
		{"a demand for a time below 0", "00 01 ff 00 00 00 00 00 00 00 is not a rendition, a flag and a period", afterHello(rawMessage(kindDemand, "\x00\x01\xff"+strings.Repeat("\x00", 7)))},
		{"a demand of rendition 200", "c8 01 00 00 00 00 00 00 00 00 is not a rendition", afterHello(rawMessage(kindDemand, "\xc8\x01"+strings.Repeat("\x00", 8)))},
		{"too many renditions", "17 renditions, more than 16", afterHello(rawMessage(kindRenditions, `{"list":[{}`+strings.Repeat(",{}", 16)+"]}"))},
		{"renditions of another shape", "'R': json: cannot unmarshal", afterHello(rawMessage(kindRenditions, `{"list":{}}`))},
		{"an empty demand", "is not a rendition, a flag", afterHello(rawMessage(kindDemand, ""))},
		{"a stop with more", "1 bytes, must be none", afterHello(rawMessage(kindStop, "x"))},
		{"no JSON", "'O': unexpected end", afterHello(rawMessage(kindOpened, ""))},
		{"broken JSON", "'E': invalid character", afterHello(rawMessage(kindEnded, `{"reason":busy}`))},
		{"JSON of another shape", "'O': json: cannot unmarshal", afterHello(rawMessage(kindOpened, `{"width":"wide"}`))},
		{"a setting of another shape", "'A': json: cannot unmarshal", afterHello(rawMessage(kindSetControls, `{"request":-1}`))},
		{"a number below zero", "'L': json: cannot unmarshal", afterHello(rawMessage(kindRefused, `{"pictures":{"damaged":-1}}`))},
		{"controls of another shape", "'C': json: cannot unmarshal", afterHello(rawMessage(kindControls, `{"list":{}}`))},
		{"a number out of range", "cannot unmarshal", afterHello(rawMessage(kindOpened, `{"width":1e99}`))},
		{"deep JSON", "exceeded max depth", afterHello(rawMessage(kindOpened, `{"x":`+strings.Repeat("[", 20_000)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := readToEnd(bytes.NewReader(tt.in))
			if err == nil || err == io.EOF {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "wire: ") {
				t.Errorf("%v does not begin with the name of the package", err)
			}
		})
	}
}
