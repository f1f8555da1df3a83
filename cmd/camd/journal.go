package main

import (
	"io"
	"os"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// inJournal reports whether what is written to out goes to systemd's journal.
func inJournal(out io.Writer) bool {
	if f, ok := out.(*os.File); !ok || f.Fd() != 2 {
		return false
	}
	is, err := journal.StderrIsJournalStream()
	return is && err == nil
}

// prioritized begins each line with its priority, which the journal takes off again: `journalctl -p err` shows what somebody
// must see to, and `-p warning` what is degraded too.
type prioritized struct{ zapcore.Encoder }

var lineBuffers = buffer.NewPool()

func (p prioritized) Clone() zapcore.Encoder { return prioritized{p.Encoder.Clone()} }

func (p prioritized) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	text, err := p.Encoder.EncodeEntry(e, fields)
	if err != nil {
		return nil, err
	}
	defer text.Free()
	line := lineBuffers.Get()
	line.AppendString(priority(e.Level))
	line.AppendBytes(text.Bytes())
	return line, nil
}

func priority(l zapcore.Level) string {
	switch {
	case l >= zapcore.ErrorLevel:
		return "<3>"
	case l == zapcore.WarnLevel:
		return "<4>"
	case l == zapcore.InfoLevel:
		return "<6>"
	}
	return "<7>"
}
