package testpeer

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// DetailedImage returns a picture with details in every block. It is the same for each call with the same size in pixels.
func DetailedImage(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			n := uint8(random.UintN(32))
			img.Set(x, y, color.RGBA{uint8(x/4) + n, uint8(y/4) + n, uint8(x+y) + n, 255})
		}
	}
	return img
}

// DetailedJPEG returns DetailedImage as a JPEG of quality 75.
func DetailedJPEG(t testing.TB, width, height int) []byte {
	t.Helper()
	return encodeJPEG(t, DetailedImage(width, height), &jpeg.Options{Quality: 75})
}

// GrayJPEG returns a gray JPEG, 48 pixels high. Its width tells it from others.
func GrayJPEG(t testing.TB, width int) []byte {
	t.Helper()
	return encodeJPEG(t, image.NewGray(image.Rect(0, 0, width, 48)), nil)
}

func encodeJPEG(t testing.TB, picture image.Image, o *jpeg.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// CutInScan returns a JPEG that is cut in the middle of its data and has an end marker.
func CutInScan(b []byte) []byte {
	return append(bytes.TrimRight(bytes.Clone(b[:len(b)/2]), "\xff"), 0xFF, 0xD9)
}
