package statelog

import (
	"fmt"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/camera"
)

func TestWriteChoosesLevelAndFields(t *testing.T) {
	for _, tt := range []struct {
		state   camera.StateChange
		isMinor bool
		want    string
	}{
		{camera.StateChange{State: camera.Live}, false, "info camera state map[camera:yard state:live]"},
		{camera.StateChange{State: camera.Offline, Reason: camera.Auth, Detail: "401"}, false, "warn camera state map[camera:yard detail:401 reason:auth state:offline]"},
		{camera.StateChange{State: camera.Stalled, Reason: camera.Timeout}, false, "warn camera state map[camera:yard detail: reason:timeout state:stalled]"},
		{camera.StateChange{State: camera.Offline, Reason: camera.Auth}, true, "debug camera state map[camera:yard detail: reason:auth state:offline]"},
	} {
		core, logs := observer.New(zapcore.DebugLevel)
		Write(zap.New(core), tt.state, tt.isMinor, zap.String("camera", "yard"))
		for _, e := range logs.All() {
			if got := fmt.Sprint(e.Level, " ", e.Message, " ", e.ContextMap()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		}
		if logs.Len() != 1 {
			t.Errorf("%+v: %d messages, want 1", tt.state, logs.Len())
		}
	}
}
