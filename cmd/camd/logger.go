package main

import (
	"fmt"
	"io"
	"os"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"camd/pkg/config"
)

// loggers are where camd writes what it does, and who does what with it.
type loggers struct {
	log       *zap.Logger
	level     zap.AtomicLevel // of log; it can be set at any time
	audit     *zap.Logger     // at no level: it is on or off
	auditFile *auditFile      // that audit writes to; nil if it goes where log does
}

// newLoggers log to out: JSON for machines, with priorities for the journal, and columns for a terminal.
func newLoggers(c config.Log, out io.Writer) (*loggers, error) {
	level, err := zap.ParseAtomicLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", c.Level)
	}
	sink := zapcore.Lock(zapcore.AddSync(out))
	l := &loggers{log: zap.New(limitRepeats(zapcore.NewCore(newEncoder(c.Format, out), sink, level))), level: level, audit: zap.NewNop()}
	var core zapcore.Core
	switch c.Audit {
	case "off":
		return l, nil
	case "on":
		core = zapcore.NewCore(newEncoder(c.Format, out), sink, zap.InfoLevel)
	default:
		if l.auditFile, err = openAuditFile(c.Audit); err != nil {
			return nil, err
		}
		core = zapcore.NewCore(newEncoder("json", l.auditFile), l.auditFile, zap.InfoLevel)
	}
	l.audit = zap.New(limitRepeats(core)).Named(auditLoggerName)
	return l, nil
}

// Sync writes what is left to say. A terminal cannot be synced, and that is no trouble.
func (l *loggers) Sync() {
	_ = l.audit.Sync()
	_ = l.log.Sync()
}

func newEncoder(format string, out io.Writer) zapcore.Encoder {
	if format == "console" || format == "auto" && isTerminal(out) {
		e := zap.NewDevelopmentEncoderConfig()
		e.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		if isTerminal(out) && wantsColour() {
			e.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		return zapcore.NewConsoleEncoder(e)
	}
	e := zap.NewProductionEncoderConfig()
	e.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.SecondsDurationEncoder
	if format == "auto" && isJournal(out) {
		return priorityEncoder{zapcore.NewJSONEncoder(e)}
	}
	return zapcore.NewJSONEncoder(e)
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// wantsColour follows https://no-color.org.
func wantsColour() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

func isJournal(out io.Writer) bool {
	if f, ok := out.(*os.File); !ok || f != os.Stderr {
		return false
	}
	is, err := journal.StderrIsJournalStream()
	return err == nil && is
}
