package e2e

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// The dashboard plays the cameras' own video, decoded in the browser: the substream in a tile, the full video in the single view and on
// the camera's page. camd decodes nothing.
func TestWallPlaysVideo(t *testing.T) {
	t.Parallel()
	plain := startVideoWall(t, "hosts: ["+plainName+"]\n")
	dir := t.TempDir()
	encrypted := startVideoWall(t, "tls: {self_signed: true}\nstate_dir: "+dir+"\n")
	named := strings.Replace(plain.URL, "127.0.0.1", plainName, 1)
	chromium := func(t *testing.T) webPage { return openVideoBrowser(t, 1280, 800) }
	firefox := func(t *testing.T) webPage { return openVideoFirefox(t, 1280, 800) }
	for _, c := range []struct {
		name, player string
		wall         *videoWall
		url, query   string
		open         func(*testing.T) webPage
	}{
		{"Chromium/localhost", "WebCodecs", plain, plain.URL, "", chromium},
		{"Chromium/https", "WebCodecs", encrypted, encrypted.URL, "", func(t *testing.T) webPage {
			return openVideoBrowser(t, 1280, 800, chromedp.Flag("ignore-certificate-errors-spki-list", spkiOf(t, filepath.Join(dir, "self-signed.pem"))))
		}},
		{"Chromium/plain-http", "MSE", plain, named, "", chromium},
		{"Chromium/asked-for-MSE", "MSE", plain, plain.URL, "?player=mse", chromium},
		{"Firefox/localhost", "WebCodecs", plain, plain.URL, "", firefox},
		{"Firefox/https", "WebCodecs", encrypted, encrypted.URL, "", firefox},
		{"Firefox/plain-http", "MSE", plain, named, "", firefox},
		{"Firefox/asked-for-MSE", "MSE", plain, plain.URL, "?player=mse", firefox},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.open(t)
			checkPlays(p, c.wall, c.url, c.query, c.player)
			c.wall.checkNothingDecoded(p)
			logMessages(p)
			p.checkConsole()
		})
	}
}

// checkPlays checks the dashboard, the single view and the page of a camera.
func checkPlays(p webPage, w *videoWall, url, query, player string) {
	t := p.testing()
	t.Helper()
	p.open(url + "/" + query)
	for _, tile := range []struct {
		id, track string
		camera    *videoCamera
	}{{"a", "sub", w.sub}, {"b", "video", w.plain}} {
		waitForTrack(p, tileOf(tile.id), tile.track+" "+player)
		waitForNewPictures(p, tileOf(tile.id), tile.camera)
		checkSmooth(p, tileOf(tile.id), tile.camera)
	}
	p.pressKey("1")
	p.waitForText("A", singleViewTitle)
	waitForTrack(p, singleView, "video "+player)
	p.waitForText(fmt.Sprintf("%dx%d", sizeOfMain.X, sizeOfMain.Y), fmt.Sprintf(`probe.size(%q)`, singleView))
	waitForNewPictures(p, singleView, w.main)
	checkSmooth(p, singleView, w.main)

	w.noteSlow(p)
	p.open(url + "/cameras/a" + query)
	waitForTrack(p, cameraPage, "video "+player)
	waitForNewPictures(p, cameraPage, w.main)
}

// spkiOf returns the hash of the key of a certificate's file.
func spkiOf(t testing.TB, path string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		t.Fatal(err)
	}
	return testpeer.SPKIHash(pair.Leaf)
}

// The size of a camera's pictures changes, and the views go on with the new size.
func TestWallFollowsPictureSize(t *testing.T) {
	t.Parallel()
	// Groups of 50 pictures of each size. The numbers of the second clip follow those of the first.
	larger := numberedClip{Frames: 100, First: 100, Size: sizeOfMain}
	camera := &videoCamera{sets: inSDP | inBand, clip: loadClips(t, numberedClip{Frames: 100}, larger)}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	for _, player := range []string{"WebCodecs", "MSE"} {
		t.Run(player, func(t *testing.T) {
			b := openVideoBrowser(t, 800, 600)
			b.open(d.URL + "/?player=" + strings.ToLower(player))
			waitForTrack(b, tileOf("a"), "video "+player)
			waitForNewPictures(b, tileOf("a"), camera)
			samplePictures(b, tileOf("a"))
			for range 2 {
				for _, size := range []string{"320x176", "640x352"} {
					b.waitForText(size, fmt.Sprintf(`probe.size(%q)`, tileOf("a")))
					waitForNewPictures(b, tileOf("a"), camera)
				}
			}
			endSamples(b).checkOrder(t, player, camera)
			b.waitForText("true", `String(new Set(probe.messages.filter(m => m.type === 'stream').map(m => m.width)).size === 2)`)
			b.checkConsole()
		})
	}
}

// A camera restarts with pictures of another size.
func TestWallFollowsRestartedCamera(t *testing.T) {
	t.Parallel()
	camera := &videoCamera{clip: loadClips(t, numberedClip{Frames: 20 * clipRate})}
	d := startVideoSources(t, []videoSource{{id: "a", camera: camera}})
	for _, player := range []string{"WebCodecs", "MSE"} {
		t.Run(player, func(t *testing.T) {
			b := openVideoBrowser(t, 800, 600)
			b.open(d.URL + "/cameras/a?player=" + strings.ToLower(player))
			waitForTrack(b, cameraPage, "video "+player)
			for range 2 {
				waitForNewPictures(b, cameraPage, camera)
				camera.turnOff()
				d.waitForCamera("a", "lost", func(s state) bool { return s.State != "live" })
				b.waitForText("true", fmt.Sprintf(`String(document.querySelector(%q).querySelector('[data-placeholder]') !== null)`, cameraPage))
				camera.turnOn()
				waitForTrack(b, cameraPage, "video "+player)
				waitForNewPictures(b, cameraPage, camera)
			}
		})
	}
}
