package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// Takes the screenshots of docs/ and writes them into the folder CAMD_SCREENSHOTS.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("CAMD_SCREENSHOTS")
	if dir == "" {
		t.Skip("CAMD_SCREENSHOTS is not set")
	}
	d := start(t, options{config: `
cameras:
  - {id: front-door, title: Front door, source: 'test://?size=1280x720&fps=30'}
  - {id: yard, title: Yard, source: ` + testpeer.Clip{Codec: "h264", Size: "640x360", Length: 10 * time.Second}.Make(t) + `}
  - {id: workshop, title: Workshop, source: 'test://?size=960x540&fps=15'}
  - {id: hall, title: Hall, source: ` + testpeer.Clip{Codec: "mjpeg", Size: "1280x720", FPS: 25, Length: 10 * time.Second}.Make(t) + `}
  - {id: stairs, title: Stairs, source: 'test://?size=640x480&fps=10'}
  - {id: garage, title: Garage, source: /dev/v4l/by-id/usb-046d_C920-video-index0}
`})
	for _, id := range []string{"front-door", "yard", "workshop", "hall", "stairs"} {
		d.waitForCamera(id, "at its rate", func(s state) bool { return s.State == "live" && s.FPS > 0.97*s.Format.FPS && s.FPS < 1.03*s.Format.FPS })
	}
	d.waitForState("garage", "offline")
	b := openBrowser(t, 1366, 768)
	b.do(chromedp.Navigate(d.URL + "/"))
	for _, title := range []string{"Front door", "Workshop", "Stairs"} {
		waitForMotion(t, b, title)
	}
	for _, title := range []string{"Yard", "Hall", "Garage"} {
		eventually(t, title, func() bool { return b.picture(title) != nil })
	}
	b.saveScreenshot(filepath.Join(dir, "dashboard.png"))

	v := watch(t, d.URL+"/cameras/front-door/stream.mjpg")
	d.waitForCamera("front-door", "watched for a while", func(s state) bool { _, err := v.read(); return err == nil && s.Counts.Published > 900 })
	b.do(chromedp.Navigate(d.URL + "/cameras/front-door"))
	b.waitForText("Live", pageState)
	b.waitForText("2", factScript("Viewers"))
	b.saveScreenshot(filepath.Join(dir, "camera.png"))

	for name, size := range map[string][2]int{"wide": {1920, 1080}, "tablet": {820, 1180}, "phone": {390, 844}} {
		b := openBrowser(t, size[0], size[1])
		b.do(chromedp.Navigate(d.URL + "/"))
		for _, title := range []string{"Front door", "Yard"} {
			eventually(t, title, func() bool { return b.picture(title) != nil })
		}
		waitForMotion(t, b, "Front door")
		b.saveScreenshot(filepath.Join(dir, name+".png"))
	}
}
