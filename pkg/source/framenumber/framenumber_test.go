package framenumber

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"

	xdraw "golang.org/x/image/draw"
)

// patternImage returns a grey picture with the strip of a number.
func patternImage(width, height int, number uint32) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: 90}), image.Point{}, draw.Src)
	strip := Strip(width, height)
	for i, white := range Encode(number) {
		c := color.Gray{}
		if white {
			c.Y = 255
		}
		draw.Draw(img, Cell(strip, i), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

func TestStripSurvivesJPEGAndScaling(t *testing.T) {
	for _, size := range []image.Point{{160, 96}, {161, 97}, {176, 144}, {320, 180}, {333, 251}, {640, 480}, {1280, 720}, {1920, 1080}} {
		for _, number := range []uint32{0, 1, 2, 0x55555555, 0xAAAAAAAA, 0x80000001, 0xFFFFFFFF, 123456789} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, patternImage(size.X, size.Y, number), &jpeg.Options{Quality: 50}); err != nil {
				t.Fatal(err)
			}
			img, err := jpeg.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := Decode(img); !ok || got != number {
				t.Errorf("%v: got %#x %v, want %#x", size, got, ok, number)
			}
			half := image.NewGray(image.Rect(0, 0, size.X/2, size.Y/2))
			xdraw.ApproxBiLinear.Scale(half, half.Rect, img, img.Bounds(), xdraw.Src, nil)
			if got, ok := Decode(half); !ok || got != number {
				t.Errorf("%v scaled to half: got %#x %v, want %#x", size, got, ok, number)
			}
		}
	}
}

func TestDecodeRejectsImageWithoutStrip(t *testing.T) {
	for name, c := range map[string]color.Gray{"black": {0}, "white": {255}, "grey": {100}} {
		img := image.NewGray(image.Rect(0, 0, 320, 180))
		draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		if got, ok := Decode(img); ok {
			t.Errorf("%s picture: got number %d, want none", name, got)
		}
	}
	if _, ok := Decode(image.NewGray(image.Rect(0, 0, 16, 16))); ok {
		t.Error("16x16: got a number")
	}
	if got := Strip(16, 16); !got.Empty() {
		t.Errorf("Strip(16, 16) = %v, want none", got)
	}
}
