package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"iter"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// browser is a Chromium with one page.
type browser struct {
	t   testing.TB
	ctx context.Context

	mu            sync.Mutex
	consoleErrors []string
}

// openBrowser starts a Chromium for this test. It connects only to this machine.
func openBrowser(t testing.TB, width, height int, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(testpeer.RequireProgram(t, "chromium", "chromium")),
		chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(width, height),
	}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to sandbox root
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*testTimeout+soakDuration(t))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(options, more...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx}
	b.do(chromedp.EmulateViewport(int64(width), int64(height)))
	messages := chromedp.Console(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { b.recordConsole(messages) })
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for Chromium to end
		cancel()
		ended.Wait()
	})
	return b
}

// headerWithoutEffect is part of a message of Chromium about pages on http, other than on localhost. There the header has no effect.
const headerWithoutEffect = "The Cross-Origin-Opener-Policy header has been ignored, because the URL's origin was untrustworthy"

// recordConsole records the errors in the page's console: exceptions, violations of the content policy, failed requests.
func (b *browser) recordConsole(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range messages {
		if err != nil {
			return
		}
		if strings.Contains(m.String(), headerWithoutEffect) {
			continue
		}
		if m.IsException() || m.Type == "error" || m.Type == "warning" {
			b.mu.Lock()
			b.consoleErrors = append(b.consoleErrors, m.String())
			b.mu.Unlock()
		}
	}
}

// checkConsole checks that the page's console has no errors or warnings.
func (b *browser) checkConsole() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.consoleErrors {
		b.t.Errorf("console: %s", c)
	}
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}

// evaluate evaluates a script that returns a text.
func (b *browser) evaluate(script string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		b.t.Fatalf("chromium: %v in %s", err, script)
	}
	return s
}

// dashboard opens a daemon's dashboard, waits until it shows every camera, and returns its HTML.
func (b *browser) dashboard(d *daemon) string {
	b.t.Helper()
	n := len(d.cameras())
	b.do(chromedp.Navigate(d.URL + "/"))
	eventually(b.t, "the tiles", func() bool { return b.evaluate(`document.querySelectorAll('.tile').length + ''`) == itoa(n) })
	return b.evaluate(`document.documentElement.outerHTML`)
}

// tileScript returns a script for the tile with a title.
func tileScript(title string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('.tile')].find(t => t.querySelector('h2').textContent === %q)`, title)
}

// picture returns the pixels that a tile shows, or nil.
func (b *browser) picture(title string) image.Image {
	b.t.Helper()
	return b.shownPicture(tileScript(title))
}

// shownPicture returns the pixels of the live view in the element that a script selects, or nil if it shows none.
func (b *browser) shownPicture(script string) image.Image {
	b.t.Helper()
	return b.image(shownPictureScript(script))
}

// shownPictureScript returns a script for the data: URL of the picture in an element. A live view shows it by a canvas of the page, a canvas
// of a worker, or a video. The page's script cannot read the second one, so the test draws each on a canvas of its own.
func shownPictureScript(script string) string {
	return `(() => {
		const shown = (` + script + `)?.querySelector('.pictures[data-track]:not([data-hidden]) > [data-shown]');
		const [width, height] = [shown?.videoWidth ?? shown?.width, shown?.videoHeight ?? shown?.height];
		if (!width || !height) return '';
		const canvas = Object.assign(document.createElement('canvas'), { width, height });
		canvas.getContext('2d').drawImage(shown, 0, 0, width, height);
		return canvas.toDataURL('image/png');
	})()`
}

// image returns the pixels of the PNG whose data: URL a script returns, or nil.
func (b *browser) image(script string) image.Image {
	b.t.Helper()
	url := b.evaluate(script)
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/png;base64,"))
	if err != nil {
		b.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return img
}
