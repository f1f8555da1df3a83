// Package statelog logs the states of local and remote cameras in the same way.
package statelog

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/camera"
)

// Write logs a camera's state: offline and stalled at level Warn, all other states at level Info. If isMinor is true, it logs at level
// Debug. The given fields come before those of the state.
func Write(log *zap.Logger, c camera.StateChange, isMinor bool, fields ...zap.Field) {
	level := zapcore.InfoLevel
	switch {
	case isMinor:
		level = zapcore.DebugLevel
	case c.State == camera.Offline, c.State == camera.Stalled:
		level = zapcore.WarnLevel
	}
	if !log.Core().Enabled(level) {
		return
	}
	fields = append(fields, zap.String("state", string(c.State)))
	if c.Reason != camera.None {
		fields = append(fields, zap.String("reason", string(c.Reason)), zap.String("detail", c.Detail))
	}
	log.Log(level, "camera state", fields...)
}
