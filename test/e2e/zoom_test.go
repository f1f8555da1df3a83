package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

const (
	zoomScript   = `document.getElementById('view').className`
	offsetScript = `document.querySelector('#single-view .pictures').style.transform`
)

// The wheel, a double click and two fingers zoom a picture. One finger or the mouse moves it.
func TestZoomByWheelDoubleClickAndTouch(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	b := openBrowser(t, 800, 600)
	b.do(chromedp.Navigate(d.URL + "/#gate"))
	b.waitForText("main", singleViewTrack)

	b.mouse(input.DispatchMouseEventParams{Type: "mouseWheel", X: 200, Y: 300, DeltaX: 1, DeltaY: -400})
	b.waitForText("zoomed", zoomScript)
	before := b.evaluate(offsetScript)
	b.mouse(input.DispatchMouseEventParams{Type: "mousePressed", X: 400, Y: 300, Button: "left", ClickCount: 1})
	b.mouse(input.DispatchMouseEventParams{Type: "mouseMoved", X: 350, Y: 280, Button: "left"})
	b.mouse(input.DispatchMouseEventParams{Type: "mouseReleased", X: 350, Y: 280, Button: "left", ClickCount: 1})
	if after := b.evaluate(offsetScript); after == before {
		t.Errorf("the picture was dragged but is still at %s", after)
	}
	for i := range int64(2) {
		b.mouse(input.DispatchMouseEventParams{Type: "mousePressed", X: 400, Y: 300, Button: "left", ClickCount: i + 1})
		b.mouse(input.DispatchMouseEventParams{Type: "mouseReleased", X: 400, Y: 300, Button: "left", ClickCount: i + 1})
	}
	b.waitForText("", zoomScript)

	finger := func(id, x float64) *input.TouchPoint { return &input.TouchPoint{ID: &id, X: x, Y: 300} }
	b.touch("touchStart", finger(1, 380))
	b.touch("touchStart", finger(1, 380), finger(2, 420))
	b.touch("touchMove", finger(1, 250), finger(2, 550))
	b.touch("touchEnd")
	b.waitForText("zoomed", zoomScript)
	before = b.evaluate(offsetScript)
	b.touch("touchStart", finger(1, 400))
	b.touch("touchMove", finger(1, 300))
	b.touch("touchEnd")
	if after := b.evaluate(offsetScript); after == before {
		t.Errorf("a finger moved the picture but it is still at %s", after)
	}
	b.checkConsole()
}

func (b *browser) mouse(event input.DispatchMouseEventParams) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, event); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}

func (b *browser) touch(kind input.DispatchTouchEventType, fingers ...*input.TouchPoint) {
	b.t.Helper()
	event := input.DispatchTouchEventParams{Type: kind, TouchPoints: fingers}
	if fingers == nil {
		event.TouchPoints = []*input.TouchPoint{}
	}
	if _, err := chromedp.Call(b.ctx, input.DispatchTouchEvent, event); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}
