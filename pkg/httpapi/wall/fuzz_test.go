package wall

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A client may send any lines. It is answered in notices that are described, and stays connected unless it floods. It gets pictures of
// existing cameras, and leaves nothing behind.
func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		`{"type":"subscribe","camera":"yard"}`,
		`{"type":"subscribe","camera":"yard","rendition":"main"}` + "\n" + `{"type":"ack","camera":"yard","seq":1}` + "\n" + `{"type":"subscribe","camera":"hall"}`,
		`{"type":"pause"}` + "\n" + `{"type":"subscribe","camera":"yard"}` + "\n" + `{"type":"resume"}` + "\n" + `{"type":"unsubscribe","camera":"yard"}`,
		`{"type":"ack","seen":{"yard":18446744073709551615,"nowhere":1}}`, `{"type":"ack","seq":-1}`, `{"type":"subscribe","camera":"yard","rendition":"huge"}`,
		`{}`, `[]`, `null`, ``, "\x00", `{"type":"\u0000\n"}`, "{\"type\":\"\xff\xfe\"}", `{"type":1}`, strings.Repeat(`[`, 9000), strings.Repeat(" ", maxMessageBytes+1),
		`{"TYPE":"Subscribe","type":"subscribe","camera":"yard","camera":"hall"}`, `{"type":"subscribe","camera":"` + strings.Repeat("x", 9000) + `"}`,
	} {
		f.Add([]byte(s))
	}
	s := newTestServer(f, "yard", "hall")
	s.publish("yard", 100)
	s.publish("hall", 300<<10)
	f.Fuzz(func(t *testing.T, in []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = conn.CloseNow()
			s.waitForSubscriptions(t, "yard", 0)
			s.waitForSubscriptions(t, "hall", 0)
		}()
		conn.SetReadLimit(10 << 20)
		large := false
		lines := slices.Collect(bytes.SplitSeq(in, []byte("\n")))
		for _, line := range append(lines[:min(len(lines), 60)], []byte(`{"type":"unsubscribe","camera":"the end"}`)) {
			large = large || len(line) > maxMessageBytes
			if err := conn.Write(ctx, websocket.MessageText, line); err != nil && !large {
				t.Fatalf("after %.100q: %v", line, err)
			}
		}
		for over := false; !over; {
			kind, message, err := conn.Read(ctx)
			switch {
			case err != nil && large && (websocket.CloseStatus(err) == websocket.StatusMessageTooBig || websocket.CloseStatus(err) == -1):
				return // the connection may end before the client reads the reason
			case err != nil:
				t.Fatal(err)
			case kind == websocket.MessageText:
				over = checkNotice(t, message, len(in))
			default:
				checkFrame(t, message)
			}
		}
		if large {
			t.Error("a message longer than allowed was accepted")
		}
	})
}

// checkNotice checks a notice, and reports whether it is the answer to the last message.
func checkNotice(t *testing.T, message []byte, inputSize int) bool {
	t.Helper()
	var n serverMessage
	dec := json.NewDecoder(bytes.NewReader(message))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&n); err != nil || len(message) > 500+12*inputSize {
		t.Fatalf("%.300q: %v", message, err)
	}
	known := slices.Contains([]string{"hello", "subscribed", "unsubscribed", "alive", "error"}, n.Type)
	if !known || n.Type == "error" && n.Message == "" || n.Type == "subscribed" && (n.Camera != "yard" && n.Camera != "hall" || n.Rendition == "") {
		t.Fatalf("%.300q", message)
	}
	return n.Type == "unsubscribed" && n.Camera == "the end"
}

// checkFrame checks the header of a picture.
func checkFrame(t *testing.T, message []byte) {
	t.Helper()
	if len(message) < fixedHeaderLength || message[0] != Version {
		t.Fatalf("% .40x", message)
	}
	begin, camera := int(binary.BigEndian.Uint16(message[2:])), int(binary.BigEndian.Uint16(message[24:]))
	if begin > len(message) || fixedHeaderLength+camera > begin {
		t.Fatalf("% .40x", message)
	}
	if id, size := string(message[fixedHeaderLength:fixedHeaderLength+camera]), len(message)-begin; !(id == "yard" && size == 100 || id == "hall" && size == 300<<10) {
		t.Errorf("%d bytes of %q", size, id)
	}
}
