// Package statelog logs the states of cameras, local and remote ones in the same way.
package statelog

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/camera"
)

// Write logs a camera's state: a state that is a problem as a warning, any other for information. If isMinor, it logs for debugging
// only. The fields given come first.
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
