package e2e

import (
	"fmt"
	"image"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camd/internal/peer"
	"camd/pkg/source/pattern"
)

// A person's browser shows every camera, live ones moving, dead ones saying why.
func TestDashboard(t *testing.T) {
	d := start(t, options{config: `
cameras:
  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}
  - {id: clip, title: A clip, source: ` + mjpegClip.Make(t) + `}
  - {id: gone, title: <b>Gone</b>, source: /dev/camd-has-no-such-device}
`})
	d.reaches("gone", "offline")
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	eventually(t, "two of three cameras live", func() bool {
		return b.text(`document.getElementById('summary').textContent`) == "2 of 3 cameras live"
	})
	if got := b.text(`document.querySelectorAll('.tile').length + ' ' + document.title`); got != "3 camd" {
		t.Errorf("tiles and title: %s", got)
	}

	moves(t, b, "The gate")
	var before image.Image
	eventually(t, "the clip to move", func() bool {
		now := b.picture("A clip")
		moved := before != nil && now != nil && differ(before, now)
		before = now
		return moved
	})

	why := b.text(tile("<b>Gone</b>") + `.querySelector('.why').textContent`)
	if want := "the device or file is not there: /dev/camd-has-no-such-device does not exist, since "; !strings.HasPrefix(why, want) {
		t.Errorf("the offline tile says %q, want %q", why, want)
	}
	if state := b.text(tile("<b>Gone</b>") + `.querySelector('.state').textContent`); state != "offline" {
		t.Errorf("the offline tile is %q", state)
	}
	eventually(t, "the placeholder", func() bool { return b.picture("<b>Gone</b>") != nil })
	if figures := b.text(tile("The gate") + `.querySelector('.figures').textContent`); !strings.Contains(figures, "320×180") || !strings.Contains(figures, "fps") {
		t.Errorf("figures %q", figures)
	}
	b.content()
}

// A browser has six connections to a host; all of eight cameras live need another way.
func TestDashboardOfEight(t *testing.T) {
	config := "cameras:\n"
	for i := range 8 {
		config += fmt.Sprintf("  - {id: c%d, title: Camera %d, source: 'test://?size=320x180&fps=5'}\n", i, i)
	}
	d := start(t, options{config: config})
	for i := range 8 {
		d.reaches(fmt.Sprint("c", i), "live")
	}
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	for i := range 8 {
		moves(t, b, fmt.Sprint("Camera ", i))
	}
	eventually(t, "all live", func() bool {
		return b.text(`document.getElementById('summary').textContent`) == "8 of 8 cameras live"
	})
	b.content()
}

// A page that stays open shows live pictures again when camd is back, however short it was away.
func TestDashboardAfterRestart(t *testing.T) {
	o := options{
		config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n",
		args:   []string{"--listen", fmt.Sprintf("127.0.0.1:%d", peer.FreePort(t))},
	}
	d := start(t, o)
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	moves(t, b, "The gate")
	if code, _ := d.stop(); code != 0 {
		t.Fatalf("camd ended with %d", code)
	}
	old, _ := shown(b, "The gate")
	start(t, o)
	eventually(t, "a picture of the new daemon", func() bool {
		n, ok := shown(b, "The gate")
		return ok && n != old
	})
}

// moves waits for a test camera's tile to show two frame numbers, the second one larger.
func moves(t *testing.T, b *browser, title string) {
	t.Helper()
	var first, n uint32
	eventually(t, title+" to show pictures", func() (ok bool) {
		first, ok = shown(b, title)
		return ok
	})
	eventually(t, title+" to move", func() bool {
		var ok bool
		n, ok = shown(b, title)
		return ok && n != first
	})
	if n < first {
		t.Errorf("%s shows picture %d after %d", title, n, first)
	}
}

func shown(b *browser, title string) (uint32, bool) {
	img := b.picture(title)
	if img == nil {
		return 0, false
	}
	return pattern.Decode(img)
}

// differ compares two pictures pixel by pixel.
func differ(a, b image.Image) bool {
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return true
			}
		}
	}
	return false
}

// The README's picture, made anew when CAMD_SCREENSHOT names its file.
func TestScreenshot(t *testing.T) {
	path := os.Getenv("CAMD_SCREENSHOT")
	if path == "" {
		t.Skip("CAMD_SCREENSHOT is not set")
	}
	d := start(t, options{config: `
cameras:
  - {id: front-door, title: Front door, source: 'test://?size=1280x720&fps=30'}
  - {id: yard, title: Yard, source: ` + peer.Clip{Codec: "h264", Size: "640x360", Length: 10 * time.Second}.Make(t) + `}
  - {id: workshop, title: Workshop, source: 'test://?size=960x540&fps=15'}
  - {id: hall, title: Hall, source: ` + peer.Clip{Codec: "mjpeg", Size: "1280x720", FPS: 25, Length: 10 * time.Second}.Make(t) + `}
  - {id: stairs, title: Stairs, source: 'test://?size=640x360&fps=10'}
  - {id: garage, title: Garage, source: /dev/v4l/by-id/usb-046d_C920-video-index0}
`})
	for _, id := range []string{"front-door", "yard", "workshop", "hall", "stairs"} {
		d.awaits(id, "at its rate", func(s state) bool { return s.State == "live" && s.FPS > 0.97*s.Format.FPS && s.FPS < 1.03*s.Format.FPS })
	}
	d.reaches("garage", "offline")
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	for _, title := range []string{"Front door", "Workshop", "Stairs"} {
		moves(t, b, title)
	}
	for _, title := range []string{"Yard", "Hall", "Garage"} {
		eventually(t, title, func() bool { return b.picture(title) != nil })
	}
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, shot, 0o644); err != nil {
		t.Fatal(err)
	}
}
