package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// wallPiece is a binary message of the wall: a piece of a frame (docs/protocol.md).
type wallPiece struct {
	Version, Flags byte
	Stream         uint16
	Total, Offset  uint32
	Seq            uint64
	Taken, PTS     int64
	Reorder        int32
	Data           []byte
}

func (p wallPiece) bytes() []byte {
	var b bytes.Buffer
	for _, field := range []any{p.Version, p.Flags, p.Stream, p.Total, p.Offset, p.Seq, p.Taken, p.PTS, p.Reorder, p.Data} {
		_ = binary.Write(&b, binary.BigEndian, field) // a bytes.Buffer takes everything
	}
	return b.Bytes()
}

// piece returns a piece of a frame of stream 7, with the bytes of the frame from offset to end. Byte n of a frame is the low byte of n.
func piece(seq uint64, total, offset, end uint32) wallPiece {
	data := make([]byte, end-offset)
	for i := range data {
		data[i] = byte(int(offset) + i)
	}
	return wallPiece{Version: 2, Stream: 7, Total: total, Offset: offset, Seq: seq, Data: data}
}

// ofStream returns the same piece of another stream.
func (p wallPiece) ofStream(n uint16) wallPiece {
	p.Stream = n
	return p
}

// assembleScript feeds messages to a FrameAssembler of the page. It returns a line for each: a frame, none, or refused.
const assembleScript = `(async (messages) => {
	const { FrameAssembler } = await import('/assets/frame_assembler.js');
	const assembler = new FrameAssembler();
	return messages.map((message) => {
		try {
			const frame = assembler.add(Uint8Array.from(atob(message), (c) => c.charCodeAt(0)).buffer);
			if (!frame) return 'none';
			const { stream, seq, key, placeholder, catchUp, taken, pts, offset, data } = frame;
			const flags = [key && 'key', placeholder && 'placeholder', catchUp && 'catch-up'].filter(Boolean).join('+');
			const intact = data.every((byte, i) => byte === i % 256) ? 'intact' : 'damaged';
			return [stream, seq, flags, taken, pts, offset, data.length, intact].join(' ');
		} catch (error) {
			return error instanceof RangeError ? 'refused' : String(error);
		}
	}).join('\n');
})`

// The browser puts frames together from pieces, also if pieces of other streams come between them or camd gives up a frame. It refuses
// messages that break the protocol.
func TestBrowserAssemblesFrames(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openBrowser(t, 800, 600)
	b.do(chromedp.Navigate(d.URL + "/assets/icon.svg"))
	const most = 32<<10 - 40 // bytes of a frame in one message
	full := piece(1, 3, 0, 3)
	edit := func(change func(p *wallPiece)) []byte {
		p := full
		change(&p)
		return p.bytes()
	}
	tests := map[string]struct {
		messages [][]byte
		want     []string
	}{
		"whole frame": {[][]byte{edit(func(p *wallPiece) {
			p.Flags, p.Taken, p.PTS, p.Reorder = 1|2|4, 1_700_000_000_123_456, -5_000_000, -40_000
		})}, []string{"7 1 key+placeholder+catch-up 1700000000123.456 -5000000 -40000 3 intact"}},
		"largest message": {[][]byte{piece(1, most, 0, most).bytes()}, []string{"7 1  0 0 0 32728 intact"}},
		"split frame": {
			[][]byte{piece(9, 70000, 0, most).bytes(), piece(9, 70000, most, 2*most).bytes(), piece(9, 70000, 2*most, 70000).bytes()},
			[]string{"none", "none", "7 9  0 0 0 70000 intact"},
		},
		"pieces of two streams in turns": {
			[][]byte{piece(1, 4, 0, 2).bytes(), piece(5, 6, 0, 3).ofStream(8).bytes(), piece(1, 4, 2, 4).bytes(), piece(5, 6, 3, 6).ofStream(8).bytes()},
			[]string{"none", "none", "7 1  0 0 0 4 intact", "8 5  0 0 0 6 intact"},
		},
		"frame that is given up":                 {[][]byte{piece(1, 4, 0, 2).bytes(), piece(2, 3, 0, 3).bytes()}, []string{"none", "7 2  0 0 0 3 intact"}},
		"split frame after one that is given up": {[][]byte{piece(1, 4, 0, 2).bytes(), piece(2, 3, 0, 1).bytes(), piece(2, 3, 1, 3).bytes()}, []string{"none", "none", "7 2  0 0 0 3 intact"}},

		"nothing":                {[][]byte{nil}, []string{"refused"}},
		"part of a header":       {[][]byte{full.bytes()[:39]}, []string{"refused"}},
		"header without bytes":   {[][]byte{full.bytes()[:40]}, []string{"refused"}},
		"another layout":         {[][]byte{edit(func(p *wallPiece) { p.Version = 1 })}, []string{"refused"}},
		"too large message":      {[][]byte{piece(1, most+1, 0, most+1).bytes()}, []string{"refused"}},
		"too large frame":        {[][]byte{edit(func(p *wallPiece) { p.Total = 32<<20 + 1 })}, []string{"refused"}},
		"largest length":         {[][]byte{edit(func(p *wallPiece) { p.Total = math.MaxUint32 })}, []string{"refused"}},
		"empty frame":            {[][]byte{edit(func(p *wallPiece) { p.Total = 0 })}, []string{"refused"}},
		"more than the frame":    {[][]byte{edit(func(p *wallPiece) { p.Total = 2 })}, []string{"refused"}},
		"offset after the end":   {[][]byte{edit(func(p *wallPiece) { p.Offset = math.MaxUint32 })}, []string{"refused"}},
		"number beyond a double": {[][]byte{edit(func(p *wallPiece) { p.Seq = 1 << 60 })}, []string{"refused"}},
		"end without a begin":    {[][]byte{piece(1, 4, 2, 4).bytes()}, []string{"refused"}},
		"missing piece":          {[][]byte{piece(1, 6, 0, 2).bytes(), piece(1, 6, 4, 6).bytes()}, []string{"none", "refused"}},
		"repeated piece":         {[][]byte{piece(1, 6, 0, 2).bytes(), piece(1, 6, 2, 4).bytes(), piece(1, 6, 2, 4).bytes()}, []string{"none", "none", "refused"}},
		"piece of another frame": {[][]byte{piece(1, 4, 0, 2).bytes(), piece(2, 4, 2, 4).bytes()}, []string{"none", "refused"}},
		"another length":         {[][]byte{piece(1, 4, 0, 2).bytes(), piece(1, 5, 2, 5).bytes()}, []string{"none", "refused"}},
		"many incomplete frames": {
			[][]byte{
				piece(1, 32<<20, 0, 1).ofStream(1).bytes(), piece(1, 32<<20, 0, 1).ofStream(2).bytes(), piece(1, 32<<20, 0, 1).ofStream(3).bytes(),
				piece(1, 32<<20, 0, 1).ofStream(4).bytes(), piece(1, 2, 0, 1).ofStream(5).bytes(), piece(2, 2, 0, 1).ofStream(4).bytes(), piece(1, 2, 0, 1).ofStream(5).bytes(),
			},
			[]string{"none", "none", "none", "none", "refused", "none", "none"},
		},
	}
	for name, test := range tests {
		messages := make([]string, 0, len(test.messages))
		for _, m := range test.messages {
			messages = append(messages, base64.StdEncoding.EncodeToString(m))
		}
		list, err := json.Marshal(messages)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := b.evaluatePromise(assembleScript+"("+string(list)+")"), strings.Join(test.want, "\n"); got != want {
			t.Errorf("%s gives\n%s\nwant\n%s", name, got, want)
		}
	}
}
