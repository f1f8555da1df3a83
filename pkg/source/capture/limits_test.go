package capture

import (
	"testing"

	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// Pictures that camd-capture encodes beyond the limit are refused.
func TestEncodedPicturesBeyondTheLimitAreRefused(t *testing.T) {
	d := startCapture(t, wire.Start{Source: "test://?size=640x480&fps=30", Capture: options.Capture{Quality: 100, Limits: media.Limits{Bytes: 1000}}})
	d.send(wire.Demand{Wanted: true})
	if got, _ := awaitMessage[wire.Refused](d); got.Pictures[media.TooLarge] == 0 || got.Size <= 1000 {
		t.Errorf("refused %+v", got)
	}
}
