package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Takes the screenshot of docs/relay.md and writes it into the folder CAMD_SCREENSHOTS.
func TestScreenshotOfRelay(t *testing.T) {
	dir := os.Getenv("CAMD_SCREENSHOTS")
	if dir == "" {
		t.Skip("CAMD_SCREENSHOTS is not set")
	}
	server := natsCluster(t, 1)[0]
	var ids []string
	for _, site := range []string{"north", "south"} {
		cameras := []string{"gate:10", "hall:5", "stairs:5", "yard:10"}
		config := strings.ReplaceAll(busConfig(server, site, cameras...), "320x180", "640x360")
		start(t, options{config: config})
		for _, camera := range cameras {
			id, _, _ := strings.Cut(camera, ":")
			ids = append(ids, site+"."+id)
		}
	}
	relay := startRelay(t, busConfig(server, ""))
	relay.waitForCameras(ids...)
	for _, id := range ids {
		relay.waitForCamera(id, "at its rate", func(s state) bool { return s.State == "live" && s.FPS > 0.75*s.Format.FPS })
	}
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(relay.URL + "/"))
	b.waitForText("8", `document.querySelectorAll(".tile .pictures[data-track]:not([data-placeholder])").length + ""`)
	b.waitForText("8 of 8 cameras live", `document.getElementById("summary").textContent`)
	b.waitForText("8", `document.querySelectorAll(".tile .age").length + ""`)
	b.saveScreenshot(filepath.Join(dir, "relay.png"))
}
