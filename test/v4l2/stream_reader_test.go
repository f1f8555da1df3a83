package v4l2

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// picture is one part of a stream.
type picture struct {
	jpeg     []byte
	captured time.Time // X-Timestamp
}

// viewer reads a stream with the standard library. It reads all the time, because camd disconnects a viewer that does not read.
type viewer struct {
	t        testing.TB
	pictures chan picture // in their order; closed when the stream has ended
}

// watch opens a camera's stream until the test ends.
func (d *daemon) watch(id string) *viewer {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/cameras/"+id+"/stream.mjpg", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || answer.StatusCode != http.StatusOK {
		d.t.Fatalf("stream: %s, %v", answer.Status, err)
	}
	v := &viewer{d.t, make(chan picture, 10000)} // minutes
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		v.read(ctx, multipart.NewReader(answer.Body, params["boundary"]))
	}()
	d.t.Cleanup(func() { cancel(); answer.Body.Close(); <-ended })
	return v
}

func (v *viewer) read(ctx context.Context, parts *multipart.Reader) {
	defer close(v.pictures)
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return
		}
		seconds, err := strconv.ParseFloat(part.Header.Get("X-Timestamp"), 64)
		if err != nil {
			return
		}
		select {
		case v.pictures <- picture{b, time.UnixMicro(int64(seconds * 1e6))}:
		case <-ctx.Done():
			return
		}
	}
}

// next returns the next picture for which ok is true. The stream may not end before.
func (v *viewer) next(what string, ok func(picture) bool) picture {
	v.t.Helper()
	late := time.After(testTimeout)
	for {
		select {
		case p, more := <-v.pictures:
			if !more {
				v.t.Fatalf("the stream ended before %s", what)
			}
			if ok(p) {
				return p
			}
		case <-late:
			v.t.Fatalf("waited %v for %s", testTimeout, what)
		}
	}
}

// bars are the colours of vivid's test picture from left to right. They have 75 % of the full brightness, so white is grey.
var bars = []color.RGBA{{190, 190, 190, 255}, {190, 190, 0, 255}, {0, 190, 190, 255}, {0, 190, 0, 255}, {190, 0, 190, 255},
	{190, 0, 0, 255}, {0, 0, 190, 255}, {0, 0, 0, 255}}

// colours returns the colours of a picture at the places of vivid's bars.
func colours(t testing.TB, b []byte) []color.RGBA {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	found := make([]color.RGBA, len(bars))
	for i := range bars {
		found[i] = mean(img, (2*i+1)*img.Bounds().Dx()/16, img.Bounds().Dy()*7/10)
	}
	return found
}

// mean is the colour around a point.
func mean(img image.Image, x, y int) color.RGBA {
	var r, g, b uint32
	for dx := -2; dx <= 2; dx++ {
		for dy := -2; dy <= 2; dy++ {
			c := color.RGBAModel.Convert(img.At(x+dx, y+dy)).(color.RGBA)
			r, g, b = r+uint32(c.R), g+uint32(c.G), b+uint32(c.B)
		}
	}
	return color.RGBA{uint8(r / 25), uint8(g / 25), uint8(b / 25), 255}
}

func near(a, b color.RGBA) bool {
	const most = 12
	d := func(x, y uint8) int { return max(int(x), int(y)) - min(int(x), int(y)) }
	return d(a.R, b.R) <= most && d(a.G, b.G) <= most && d(a.B, b.B) <= most
}

// live and placeholder tell vivid's pictures from camd's placeholders.
func (v *viewer) live(p picture) bool        { return near(colours(v.t, p.jpeg)[0], bars[0]) }
func (v *viewer) placeholder(p picture) bool { return !v.live(p) }
