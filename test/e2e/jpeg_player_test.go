package e2e

import "testing"

// The JPEG player shows the newest picture, acknowledges all, also those that it cannot decode, and shows nothing after it was closed.
func TestJPEGPlayer(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: longWriteTimeout + "cameras:\n  - {id: cam, source: 'test://?size=320x180&fps=15', stall_timeout: 2m}\n"})
	v := watch(t, d.URL+"/cameras/cam/stream.mjpg")
	stream := &playerStream{Camera: "cam", Stream: 7, Track: "main", Codec: "jpeg", View: "grid"}
	var numbers []int
	for seq := range 10 {
		picture := v.waitFor("a picture", isLive)
		number, _ := picture.frameNumber()
		numbers = append(numbers, int(number))
		stream.frames = append(stream.frames, playerFrame{Seq: seq + 1, Key: true, Taken: float64(picture.captured.UnixMilli()), Data: picture.jpeg})
	}
	p := openPlayerPage(t, d, "/")
	p.call("open", "JPEG", stream)
	p.call("writeInTurn", stream.frames[:5])
	r := p.result()
	if len(r.Pictures) != 5 || len(r.Taken) != 5 || r.Details.Player != "JPEG" {
		t.Errorf("%+v", r)
	}
	for i, shown := range r.Pictures {
		if shown.number(t) != numbers[i] || shown.Taken != stream.frames[i].Taken || shown.Size != "320x180" {
			t.Errorf("picture %d is %+v, expected number %d", i, shown, numbers[i])
		}
	}

	damaged := stream.frames[5]
	damaged.Data = []byte("no JPEG")
	p.call("write", []playerFrame{damaged, stream.frames[7], stream.frames[6]})
	p.until("playerPage.taken.length === 8")
	if r = p.result(); r.Pictures[len(r.Pictures)-1].Seq != 8 {
		t.Errorf("the last picture is %+v", r.Pictures[len(r.Pictures)-1])
	}
	p.until("playerPage.shows(" + itoa(numbers[7]) + ")")

	p.call("close")
	p.call("write", stream.frames[8:])
	p.call("open", "JPEG", stream) // its decoding comes after that of the closed one
	p.call("writeInTurn", stream.frames[9:])
	if r = p.result(); len(r.Taken) != 1 || len(r.Pictures) != 1 || r.Pictures[0].number(t) != numbers[9] {
		t.Errorf("after another player was opened: %+v", r)
	}
	p.checkConsole()
}
