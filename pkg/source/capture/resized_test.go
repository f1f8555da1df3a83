package capture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"camd/internal/peer"
	condition "camd/pkg/camera"
	"camd/pkg/source/wire"
)

// changes are clips whose second half is larger, or smaller.
var changes = []peer.Clip{
	{Codec: "h264", Size: "320x240", Then: "640x480"},
	{Codec: "h264", Size: "640x480", Then: "320x240"},
	{Codec: "h264", Size: "640x480", Then: "640x360"},
	{Codec: "h265", Size: "320x240", Then: "640x480"},
	{Codec: "h265", Size: "640x480", Then: "320x240"},
}

// A stream whose pictures change their size ends, with no picture scaled from the wrong one.
func TestStreamChangesItsSize(t *testing.T) {
	for _, c := range changes {
		t.Run(fmt.Sprintf("%s from %s to %s", c.Codec, c.Size, c.Then), func(t *testing.T) {
			c.Length = 3 * time.Second
			d := begin(t, wire.Start{Source: peer.ServeRTSP(t, peer.RTSP{Clip: c}).URL()})
			o, _ := await[wire.Opened](d)
			e, _ := await[wire.Ended](d)
			was := fmt.Sprintf("%dx%d", o.Width, o.Height)
			now := map[string]string{c.Size: c.Then, c.Then: c.Size}[was] // by when it was opened
			if e.Reason != string(condition.Resized) || now == "" || e.Detail != fmt.Sprintf("its pictures were %s and are %s now", was, now) {
				t.Errorf("opened at %s, then %+v", was, e)
			}
		})
	}
}

// A recording is played without the pictures that do not fit.
func TestRecordingChangesItsSize(t *testing.T) {
	for _, c := range changes {
		t.Run(fmt.Sprintf("%s from %s to %s", c.Codec, c.Size, c.Then), func(t *testing.T) {
			c.Length = time.Second
			d := begin(t, wire.Start{Source: c.Make(t), Once: true})
			e, _ := await[wire.Ended](d)
			if want := fmt.Sprintf(": %d pictures", c.Frames()); e.Reason != string(condition.EndOfFile) || !strings.HasSuffix(e.Detail, want) {
				t.Errorf("%+v, want %s", e, want)
			}
		})
	}
}
