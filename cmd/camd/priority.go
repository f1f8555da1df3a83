package main

import (
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// prioritised puts before each line what journald takes for its priority and leaves out of the message: sd-daemon(3).
type prioritised struct{ zapcore.Encoder }

var lines = buffer.NewPool()

// Clone is called for each logger that is derived: without it their lines would come from the encoder within.
func (p prioritised) Clone() zapcore.Encoder { return prioritised{p.Encoder.Clone()} }

func (p prioritised) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	bare, err := p.Encoder.EncodeEntry(e, fields)
	if err != nil {
		return nil, err
	}
	defer bare.Free()
	line := lines.Get()
	if e.LoggerName == auditName {
		line.AppendString("<5>") // by which it can be told from the rest: nothing else has it
	} else {
		line.AppendString(priority(e.Level))
	}
	_, err = line.Write(bare.Bytes())
	return line, err
}

func priority(l zapcore.Level) string {
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
