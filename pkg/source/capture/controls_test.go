package capture

import (
	"testing"

	condition "camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Those of a device are tested with a real driver, in test/v4l2.
func TestControlsOfSourceWithoutAny(t *testing.T) {
	d := begin(t, wire.Start{Source: "test://?size=320x180", Controls: map[string]wire.Setting{"brightness": {Kind: "number"}}})
	for _, n := range []uint32{3, 7, 1<<32 - 1} {
		d.send(wire.Adjust{Request: n})
		c, _ := await[wire.Controls](d)
		if c.Request != n || c.Trouble != string(condition.NoControls) || c.Detail != "this source has no controls" {
			t.Errorf("got %+v for request %d", c, n)
		}
	}
	d.frame()
}

// A driver that does not answer keeps neither the commands' reader nor anybody else waiting.
func TestPanelNeverBlocks(t *testing.T) {
	p := newPanel()
	for n := range uint32(10 * backlog) {
		p.ask(wire.Adjust{Request: n})
	}
	for n := range uint32(backlog) {
		if a := <-p.answers; a.Request != backlog+n || a.Trouble != string(condition.ControlsTimeout) {
			t.Errorf("got %+v, want request %d refused", a, backlog+n)
		}
	}
}
