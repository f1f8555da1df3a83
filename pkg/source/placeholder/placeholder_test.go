package placeholder

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
)

func decodeDrawn(t *testing.T, c Options) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(Draw(c)))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestDrawFitsEverySizeAndText(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {64, 64}, {160, 120}, {320, 180}, {1920, 1080}, {720, 1280}, {10000, 20}, {8000, 6000}} {
		for _, title := range []string{"", "Door", strings.Repeat("very long ", 30), strings.Repeat("x", 300), "Überwachung Ⅷ 門"} {
			c := Options{Width: size[0], Height: size[1], Title: title, State: camera.Offline, Reason: camera.Auth, Since: time.Now()}
			w, h := fit(size[0], size[1], 0)
			if got := decodeDrawn(t, c).Bounds().Size(); got != image.Pt(w, h) {
				t.Errorf("%v %.10q: drawn at %v", size, title, got)
			}
		}
	}
}

func TestFitKeepsToTheLimits(t *testing.T) {
	for _, tt := range []struct{ width, height, pixels, wantWidth, wantHeight int }{
		{1280, 720, 0, 1280, 720},
		{0, 0, 0, 64, 64},
		{65500, 65500, 0, 2880, 2880},
		{65500, 65500, 1 << 26, 2880, 2880},
		{1920, 1080, 1 << 18, 682, 384},
		{65500, 1, 1 << 18, 4096, 64},
	} {
		w, h := fit(tt.width, tt.height, tt.pixels)
		if w != tt.wantWidth || h != tt.wantHeight {
			t.Errorf("%+v: got %dx%d", tt, w, h)
		}
		if again, _ := fit(w, h, tt.pixels); again != w {
			t.Errorf("%+v: fitted again it is %d wide, want %d", tt, again, w)
		}
	}
}

func TestDrawOmitsBackgroundAboveTheByteLimit(t *testing.T) {
	noise := image.NewGray(image.Rect(0, 0, 640, 360))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32())
	}
	var background bytes.Buffer
	if err := jpeg.Encode(&background, noise, nil); err != nil {
		t.Fatal(err)
	}
	c := Options{Width: 640, Height: 360, Title: "Front door", State: camera.Offline}
	plain := len(Draw(c))
	c.Background = background.Bytes()
	full := len(Draw(c))
	for limit, want := range map[int]int{0: full, full: full, full - 1: plain} {
		if c.Limits.Bytes = limit; len(Draw(c)) != want {
			t.Errorf("with at most %d bytes it has %d, want %d", limit, len(Draw(c)), want)
		}
	}
}

// brightest is the lightest grey level in a region given in tenths of the picture.
func brightest(img image.Image, x0, y0, x1, y1 int) uint8 {
	b := img.Bounds()
	var most uint8
	for y := b.Dy() * y0 / 10; y < b.Dy()*y1/10; y++ {
		for x := b.Dx() * x0 / 10; x < b.Dx()*x1/10; x++ {
			most = max(most, color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
		}
	}
	return most
}

func TestDrawDimsBackground(t *testing.T) {
	white := image.NewGray(image.Rect(0, 0, 640, 360))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	var last bytes.Buffer
	if err := jpeg.Encode(&last, white, nil); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(last.Bytes())
	sof := bytes.Index(huge, []byte{0xFF, 0xC0})
	copy(huge[sof+5:], "\xff\xff\xff\xff") // 65535x65535
	for name, background := range map[string][]byte{
		"white": last.Bytes(), "none": nil, "damaged": last.Bytes()[:200], "huge": huge,
	} {
		img := decodeDrawn(t, Options{Width: 640, Height: 360, Title: "Front door", State: camera.Offline, Background: background})
		if got := brightest(img, 0, 3, 10, 7); got < 180 {
			t.Errorf("%s: brightest part of the text is %d", name, got)
		}
		if got := brightest(img, 0, 0, 10, 1); got > 90 {
			t.Errorf("%s: background is as bright as %d", name, got)
		}
	}
}

func TestEveryStateAndReasonHasText(t *testing.T) {
	for _, s := range camera.States {
		if s != camera.Live && (stateTexts[s] == "" || accentColors[s] == color.RGBA{}) {
			t.Errorf("%s: headline %q, colour %v", s, stateTexts[s], accentColors[s])
		}
	}
	for _, r := range camera.Reasons {
		if r.Text() == "" {
			t.Errorf("%s has no text", r)
		}
	}
}

func TestSentenceKeepsTheNameCamd(t *testing.T) {
	for text, want := range map[string]string{
		camera.Auth.Text():        "The camera refused the user or password",
		camera.Undecodable.Text(): "camd cannot decode the camera's video",
	} {
		if got := sentence(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
