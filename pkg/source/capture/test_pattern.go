package capture

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/source/framenumber"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// testPattern is a source that draws its own pictures: colour bars with a clock, the frame number, a moving square, a moving
// line, and the strip of package framenumber.
type testPattern struct {
	found      wire.Opened
	pacer      pacer
	number     uint32
	background gocv.Mat
	bounds     image.Rectangle
	strip      image.Rectangle
	label      image.Rectangle
	scale      float64 // of the text
}

func newTestPattern(src sourceurl.Source, speed float64) *testPattern {
	w, h := src.Size.Width, src.Size.Height
	t := &testPattern{
		found:      wire.Opened{Backend: "PATTERN", Codec: "test", Width: w, Height: h, FPS: src.FPS},
		pacer:      newPacer(src.FPS * speed),
		background: gocv.NewMatWithSize(h, w, gocv.MatTypeCV8UC3),
		bounds:     image.Rect(0, 0, w, h),
		strip:      framenumber.Strip(w, h),
	}
	if h >= 48 && w >= 64 {
		t.label = image.Rect(w/20, h/20, w-w/20, h/20+h/7)
		t.scale = textScale(widestLabel, t.label)
	}
	t.paintBackground()
	return t
}

func (t *testPattern) opened() wire.Opened { return t.found }

func (t *testPattern) next(ctx context.Context, _ *gocv.Mat) error {
	t.number++
	return t.pacer.wait(ctx)
}

func (t *testPattern) close() { _ = t.background.Close() }

// retrieve draws the moving parts on a copy of the background. That costs a fraction of the encoding that follows.
func (t *testPattern) retrieve(m *gocv.Mat) bool {
	if t.background.CopyTo(m) != nil {
		return false
	}
	t.drawMotion(m)
	if !t.label.Empty() {
		text := fmt.Sprintf("%s  #%d", time.Now().Format("15:04:05.000"), t.number)
		at := image.Pt(t.label.Min.X+t.label.Dy()/4, t.label.Max.Y-t.label.Dy()/3)
		_ = gocv.PutText(m, text, at, gocv.FontHersheySimplex, t.scale, white, max(1, int(t.scale*2)))
	}
	if !t.strip.Empty() {
		for i, on := range framenumber.Encode(t.number) {
			if on {
				fillRect(m, framenumber.Cell(t.strip, i), white)
			}
		}
	}
	return true
}

// drawMotion draws a square that moves back and forth, and a line that moves across. Their speed does not depend on the frame rate.
func (t *testPattern) drawMotion(m *gocv.Mat) {
	seconds := float64(t.number) / t.found.FPS
	w, h := t.bounds.Dx(), t.bounds.Dy()
	side := max(2, h/8)
	box := image.Rect(0, 0, side, side).Add(image.Pt(bounce(seconds*float64(w)/4, w-side), h/2-side/2))
	fillRect(m, box, color.RGBA{R: 255, G: 140, A: 255})
	x := int(seconds*float64(w)/3) % w
	_ = gocv.Line(m, image.Pt(x, h/4), image.Pt(x, h-h/8), white, max(1, w/320))
}

var (
	white = color.RGBA{R: 255, G: 255, B: 255, A: 255}
	black = color.RGBA{A: 255}
	bars  = []color.RGBA{{192, 192, 192, 255}, {192, 192, 0, 255}, {0, 192, 192, 255}, {0, 192, 0, 255},
		{192, 0, 192, 255}, {192, 0, 0, 255}, {0, 0, 192, 255}}
)

func (t *testPattern) paintBackground() {
	w, h := t.bounds.Dx(), t.bounds.Dy()
	for i, c := range bars {
		fillRect(&t.background, image.Rect(i*w/len(bars), 0, (i+1)*w/len(bars), h), c)
	}
	fillRect(&t.background, t.label, black)
	fillRect(&t.background, t.strip, black)
}

// fillRect fills r, which for OpenCV includes its lower right corner.
func fillRect(m *gocv.Mat, r image.Rectangle, c color.RGBA) {
	if !r.Empty() {
		_ = gocv.Rectangle(m, image.Rectangle{Min: r.Min, Max: r.Max.Sub(image.Pt(1, 1))}, c, -1)
	}
}

const widestLabel = "00:00:00.000  #0000000"

// textScale is the scale at which text fits into r.
func textScale(text string, r image.Rectangle) float64 {
	size := gocv.GetTextSize(text, gocv.FontHersheySimplex, 1, 2)
	return min(float64(r.Dx())*0.9/float64(size.X), float64(r.Dy())*0.5/float64(size.Y))
}

// bounce returns the position, from 0 to span, of a point that has moved a distance back and forth.
func bounce(distance float64, span int) int {
	if span <= 0 {
		return 0
	}
	d := int(distance) % (2 * span)
	if d > span {
		return 2*span - d
	}
	return d
}
