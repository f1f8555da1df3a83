// Package placeholder draws the picture that viewers get while a camera has none. It shows the camera's title, its state, the reason and
// the time when the state began, on top of the camera's last picture, which is dimmed.
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
	"camd/pkg/media"
)

// The size of placeholders while the size of the camera's pictures is unknown.
const (
	DefaultWidth  = 1280
	DefaultHeight = 720
)

// Options say what a placeholder shows.
type Options struct {
	Width, Height int          // size of the camera's pictures; the placeholder is smaller if they are too large to draw
	Limits        media.Limits // on the JPEG; 0 means no limit. The background is left out if the JPEG would have too many bytes with it
	Background    []byte       // the camera's last picture as JPEG, or nil
	Title         string
	State         camera.State
	Reason        camera.Reason
	Since         time.Time
}

var (
	regularFont    = parseFont(goregular.TTF)
	boldFont       = parseFont(gobold.TTF)
	primaryColor   = color.RGBA{0xf2, 0xf4, 0xf7, 0xff}
	secondaryColor = color.RGBA{0xc3, 0xca, 0xd4, 0xff}
	backdropColor  = color.RGBA{0x14, 0x18, 0x1f, 0xff}
)

// accentColors are the colours of the bar and of the state: amber while the camera starts, red for failures, grey while it is closed.
var accentColors = map[camera.State]color.RGBA{
	camera.Starting: {0xf0, 0xb4, 0x29, 0xff},
	camera.Stalled:  {0xe5, 0x48, 0x4d, 0xff},
	camera.Offline:  {0xe5, 0x48, 0x4d, 0xff},
	camera.Idle:     {0x8b, 0x95, 0xa5, 0xff},
	camera.Paused:   {0x8b, 0x95, 0xa5, 0xff},
}

// stateTexts are the texts that placeholders show for states. The dashboard has the same ones (format.js).
var stateTexts = map[camera.State]string{
	camera.Starting: "Starting…",
	camera.Stalled:  "No new picture",
	camera.Offline:  "Offline",
	camera.Idle:     "Idle",
	camera.Paused:   "Turned off",
}

// maxPixels is the area of the largest placeholder, and of the largest background: drawing takes 4 bytes a pixel, and decoding a
// background up to 15.
const maxPixels = 3840 * 2160

// fit returns the size at which a placeholder is drawn. Its sides have 64 to 4096 pixels. Its area is at most maxPixels, or
// maxArea if that is smaller and not 0; for that, the size is scaled down in proportion.
func fit(width, height, maxArea int) (int, int) {
	if maxArea <= 0 || maxArea > maxPixels {
		maxArea = maxPixels
	}
	w, h := min(max(width, 64), 4096), min(max(height, 64), 4096)
	if w*h > maxArea {
		scale := math.Sqrt(float64(maxArea) / float64(w*h))
		w, h = max(int(float64(w)*scale), 64), max(int(float64(h)*scale), 64)
	}
	return w, h
}

// largeDrawing is held while a large placeholder is drawn. Cameras that fail at the same time then need the memory for only one drawing.
var largeDrawing sync.Mutex

// maxParallelPixels is the area up to which placeholders are drawn in parallel.
const maxParallelPixels = 1920 * 1080

// Draw returns the placeholder as a JPEG. It is safe for concurrent use.
func Draw(o Options) []byte {
	background, err := jpeg.DecodeConfig(bytes.NewReader(o.Background))
	if err != nil || background.Width*background.Height > maxPixels {
		o.Background = nil
	}
	o.Width, o.Height = fit(o.Width, o.Height, o.Limits.Pixels)
	if o.Width*o.Height > maxParallelPixels || o.Background != nil && background.Width*background.Height > maxParallelPixels {
		largeDrawing.Lock()
		defer largeDrawing.Unlock()
	}
	encoded := render(o)
	if o.Limits.Bytes > 0 && len(encoded) > o.Limits.Bytes && o.Background != nil {
		o.Background = nil
		encoded = render(o)
	}
	return encoded
}

func render(o Options) []byte {
	img := image.NewRGBA(image.Rect(0, 0, o.Width, o.Height))
	draw.Draw(img, img.Rect, image.NewUniform(backdropColor), image.Point{}, draw.Src)
	drawBackground(img, o.Background)
	drawText(img, o)
	var out bytes.Buffer
	// Encoding cannot fail: the size is in range, and a Buffer accepts all bytes.
	_ = jpeg.Encode(&out, img, &jpeg.Options{Quality: 75})
	return out.Bytes()
}

// drawBackground draws the last picture dark and without colour, so that it does not look like a live one.
func drawBackground(img *image.RGBA, background []byte) {
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

// drawText draws the text at the left with a bar beside it. The text is as large as the picture allows.
func drawText(img *image.RGBA, o Options) {
	size := float64(min(img.Rect.Dx()*9/16, img.Rect.Dy())) / 11
	margin := int(size)
	x := margin + margin/2
	width := img.Rect.Dx() - x - margin/2

	var lines []textLine
	lines = append(lines, wrapText(o.Title, boldFont, size*1.1, primaryColor, width)...)
	lines = append(lines, wrapText(stateTexts[o.State], boldFont, size, accentColors[o.State], width)...)
	if text := o.Reason.Text(); text != "" {
		lines = append(lines, wrapText(sentence(text), regularFont, size*0.8, primaryColor, width)...)
	}
	if !o.Since.IsZero() {
		lines = append(lines, wrapText("since "+o.Since.Format("15:04:05, 2 January"), regularFont, size*0.7, secondaryColor, width)...)
	}
	height := 0
	for _, r := range lines {
		height += r.height()
	}
	y := (img.Rect.Dy() - height) / 2
	bar := image.Rect(margin/2+margin/4, y, margin, y+height)
	draw.Draw(img, bar, image.NewUniform(accentColors[o.State]), image.Point{}, draw.Src)
	for _, r := range lines {
		y += r.height()
		d := font.Drawer{Dst: img, Src: image.NewUniform(r.textColor), Face: r.face, Dot: fixed.P(x, y-r.height()/4)}
		d.DrawString(r.text)
		_ = r.face.Close()
	}
}

// textLine is a line of text ready to be drawn.
type textLine struct {
	text      string
	face      font.Face
	textColor color.RGBA
	size      float64
}

func (t textLine) height() int { return int(t.size * 1.35) }

// sentence returns a text with a capital first letter. The name camd has none.
func sentence(text string) string {
	if strings.HasPrefix(text, "camd") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// wrapText breaks text at spaces into lines of at most width pixels. It cuts words that are too long for a line.
func wrapText(text string, f *opentype.Font, size float64, textColor color.RGBA, width int) []textLine {
	face := func() font.Face {
		// Only a size of 0 can fail, and Draw has none.
		fc, _ := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
		return fc
	}
	measure := face()
	defer measure.Close()
	fits := func(s string) bool { return font.MeasureString(measure, s).Ceil() <= width }

	var texts []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		for runes := []rune(word); !fits(word) && len(runes) > 1; word = string(runes) + "…" {
			runes = runes[:len(runes)-1]
		}
		if next := strings.TrimSpace(line + " " + word); fits(next) {
			line = next
			continue
		}
		texts = append(texts, line)
		line = word
	}
	var lines []textLine
	for _, l := range append(texts, line) {
		if l != "" {
			lines = append(lines, textLine{l, face(), textColor, size})
		}
	}
	return lines
}

func parseFont(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // the font is compiled in
	}
	return f
}
