// Package placeholder draws the picture that viewers get while a camera has none: its name, its state, the reason in
// plain words and since when, over its last picture, dimmed.
package placeholder

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"camd/pkg/camera"
)

// Card is what a placeholder says.
type Card struct {
	Width, Height int    // pixels; see Fit
	Bytes         int    // how large the JPEG may be: the background is left out of one that is larger; 0 is any size
	Background    []byte // the camera's last picture as JPEG, or nil
	Title         string
	State         camera.State
	Reason        camera.Reason
	Since         time.Time
}

var (
	regular = parse(goregular.TTF)
	bold    = parse(gobold.TTF)
	ink     = color.RGBA{0xf2, 0xf4, 0xf7, 0xff}
	faint   = color.RGBA{0xc3, 0xca, 0xd4, 0xff}
	night   = color.RGBA{0x14, 0x18, 0x1f, 0xff}
)

// accents are the colours of the bar beside the text: amber for waiting, red for trouble, grey for asleep.
var accents = map[camera.State]color.RGBA{
	camera.Starting: {0xf0, 0xb4, 0x29, 0xff},
	camera.Stalled:  {0xe5, 0x48, 0x4d, 0xff},
	camera.Offline:  {0xe5, 0x48, 0x4d, 0xff},
	camera.Idle:     {0x8b, 0x95, 0xa5, 0xff},
	camera.Paused:   {0x8b, 0x95, 0xa5, 0xff},
}

// headlines say each state to a person.
var headlines = map[camera.State]string{
	camera.Starting: "Starting…",
	camera.Stalled:  "No new picture",
	camera.Offline:  "Offline",
	camera.Idle:     "Asleep until watched",
	camera.Paused:   "Switched off",
}

// mostPixels is the area of the largest card, and of the largest background: drawing takes 4 bytes a pixel, and decoding a
// background up to 15.
const mostPixels = 3840 * 2160

// Fit returns the size at which a card is drawn: in the same proportions, sides from 64 to 4096 pixels and an area of at most
// 3840x2160, or of pixels if that is less and not 0.
func Fit(width, height, pixels int) (int, int) {
	if pixels <= 0 || pixels > mostPixels {
		pixels = mostPixels
	}
	w, h := min(max(width, 64), 4096), min(max(height, 64), 4096)
	if w*h > pixels {
		scale := math.Sqrt(float64(pixels) / float64(w*h))
		w, h = max(int(float64(w)*scale), 64), max(int(float64(h)*scale), 64)
	}
	return w, h
}

// drawingLarge is held while a large card is drawn, so that many cameras that fail at once take the memory for one.
var drawingLarge sync.Mutex

// small is the area up to which cards are drawn beside each other.
const small = 1920 * 1080

// Draw returns the card as a JPEG. Safe for concurrent use.
func Draw(c Card) []byte {
	background, err := jpeg.DecodeConfig(bytes.NewReader(c.Background))
	if err != nil || background.Width*background.Height > mostPixels {
		c.Background = nil
	}
	if w, h := Fit(c.Width, c.Height, 0); w*h > small || c.Background != nil && background.Width*background.Height > small {
		drawingLarge.Lock()
		defer drawingLarge.Unlock()
	}
	drawn := encode(c)
	if c.Bytes > 0 && len(drawn) > c.Bytes && c.Background != nil {
		c.Background = nil
		drawn = encode(c)
	}
	return drawn
}

func encode(c Card) []byte {
	w, h := Fit(c.Width, c.Height, 0)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(night), image.Point{}, draw.Src)
	dim(img, c.Background)
	write(img, c)
	var out bytes.Buffer
	// Neither can fail: the size is in range and a Buffer takes everything.
	_ = jpeg.Encode(&out, img, &jpeg.Options{Quality: 75})
	return out.Bytes()
}

// dim lays the last picture under the text, darkened and without colour, so that nobody takes it for a live one.
func dim(img *image.RGBA, background []byte) {
	last, err := jpeg.Decode(bytes.NewReader(background))
	if err != nil {
		return
	}
	draw.ApproxBiLinear.Scale(img, img.Rect, last, last.Bounds(), draw.Src, nil)
	for i := 0; i < len(img.Pix); i += 4 {
		p := img.Pix[i : i+3 : i+3]
		y := uint8((uint(p[0])*77 + uint(p[1])*150 + uint(p[2])*29) >> 10) // luma, a quarter of it
		p[0], p[1], p[2] = y, y, y+4
	}
}

// write sets the text in a block at the lower left, as large as the picture allows.
func write(img *image.RGBA, c Card) {
	size := float64(min(img.Rect.Dx()*9/16, img.Rect.Dy())) / 11
	margin := int(size)
	x := margin + margin/2
	width := img.Rect.Dx() - x - margin/2

	var rows []row
	rows = append(rows, wrap(c.Title, bold, size*1.1, ink, width)...)
	rows = append(rows, wrap(headlines[c.State], bold, size, accents[c.State], width)...)
	if text := c.Reason.Text(); text != "" {
		rows = append(rows, wrap(strings.ToUpper(text[:1])+text[1:], regular, size*0.8, ink, width)...)
	}
	if !c.Since.IsZero() {
		rows = append(rows, wrap("since "+c.Since.Format("15:04:05, 2 January"), regular, size*0.7, faint, width)...)
	}
	height := 0
	for _, r := range rows {
		height += r.height()
	}
	y := (img.Rect.Dy() - height) / 2
	bar := image.Rect(margin/2+margin/4, y, margin, y+height)
	draw.Draw(img, bar, image.NewUniform(accents[c.State]), image.Point{}, draw.Src)
	for _, r := range rows {
		y += r.height()
		d := font.Drawer{Dst: img, Src: image.NewUniform(r.ink), Face: r.face, Dot: fixed.P(x, y-r.height()/4)}
		d.DrawString(r.text)
		_ = r.face.Close()
	}
}

// row is a line of text ready to be drawn.
type row struct {
	text string
	face font.Face
	ink  color.RGBA
	size float64
}

func (r row) height() int { return int(r.size * 1.35) }

// wrap breaks text into rows of at most width pixels, at spaces; a word that is too long is cut.
func wrap(text string, f *opentype.Font, size float64, ink color.RGBA, width int) []row {
	face := func() font.Face {
		// Only a size of 0 can fail, and Draw has none.
		fc, _ := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
		return fc
	}
	measure := face()
	defer measure.Close()
	fits := func(s string) bool { return font.MeasureString(measure, s).Ceil() <= width }

	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		for runes := []rune(word); !fits(word) && len(runes) > 1; word = string(runes) + "…" {
			runes = runes[:len(runes)-1]
		}
		if next := strings.TrimSpace(line + " " + word); fits(next) {
			line = next
			continue
		}
		lines = append(lines, line)
		line = word
	}
	var rows []row
	for _, l := range append(lines, line) {
		if l != "" {
			rows = append(rows, row{l, face(), ink, size})
		}
	}
	return rows
}

func parse(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // the font is compiled in
	}
	return f
}
