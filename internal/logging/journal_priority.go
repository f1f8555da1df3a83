package logging

import (
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// priorityEncoder prefixes each line with its priority in the form of sd-daemon(3), which journald removes.
type priorityEncoder struct{ zapcore.Encoder }

var linePool = buffer.NewPool()

// Clone is called for each derived logger. Without it, the embedded encoder would write their lines, without priorities.
func (p priorityEncoder) Clone() zapcore.Encoder { return priorityEncoder{p.Encoder.Clone()} }

func (p priorityEncoder) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	bare, err := p.Encoder.EncodeEntry(e, fields)
	if err != nil {
		return nil, err
	}
	defer bare.Free()
	line := linePool.Get()
	if e.LoggerName == auditLoggerName {
		line.AppendString("<5>") // notice: only the audit log has this priority
	} else {
		line.AppendString(journalPriority(e.Level))
	}
	_, err = line.Write(bare.Bytes())
	return line, err
}

func journalPriority(l zapcore.Level) string {
	switch {
	case l <= zapcore.DebugLevel:
		return "<7>"
	case l == zapcore.InfoLevel:
		return "<6>"
	case l == zapcore.WarnLevel:
		return "<4>"
	case l == zapcore.ErrorLevel:
		return "<3>"
	}
	return "<2>"
}
