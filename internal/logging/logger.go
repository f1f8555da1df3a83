// Package logging makes the loggers: their formats, a limit on repeated lines, and the file of the audit log.
package logging

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// Loggers are the loggers of a process: the log, and the audit log, which records who viewed and changed what.
type Loggers struct {
	Log       *zap.Logger
	Level     zap.AtomicLevel // of Log; it can be set at any time
	Audit     *zap.Logger     // has no level: it is on or off
	auditFile *auditFile      // that Audit writes to; nil if it goes where Log does
}

// Options say what is logged, and how.
type Options struct {
	Level  string // debug, info, warn or error
	Format string // json, console, or auto: console on a terminal, otherwise JSON
	Audit  string // off, on (the audit log goes where the others go), or the path of a file
}

// New returns loggers that write to out. The format is columns on a terminal and JSON elsewhere. Lines for the journal have
// priorities.
func New(o Options, out io.Writer) (*Loggers, error) {
	level, err := zap.ParseAtomicLevel(o.Level)
	if err != nil {
		return nil, fmt.Errorf("log level %q: must be debug, info, warn or error", o.Level)
	}
	sink := zapcore.Lock(zapcore.AddSync(out))
	l := &Loggers{Log: zap.New(limitRepeats(zapcore.NewCore(newEncoder(o.Format, out), sink, level))), Level: level, Audit: zap.NewNop()}
	var core zapcore.Core
	switch o.Audit {
	case "off":
		return l, nil
	case "on":
		core = zapcore.NewCore(newEncoder(o.Format, out), sink, zap.InfoLevel)
	default:
		if l.auditFile, err = openAuditFile(o.Audit); err != nil {
			return nil, err
		}
		core = zapcore.NewCore(newEncoder("json", l.auditFile), l.auditFile, zap.InfoLevel)
	}
	l.Audit = zap.New(limitRepeats(core)).Named(auditLoggerName)
	return l, nil
}

// Sync writes buffered lines, and logs how many lines were suppressed. It ignores errors, because a terminal cannot be synced.
func (l *Loggers) Sync() {
	_ = l.Audit.Sync()
	_ = l.Log.Sync()
}

// ReopenAudit opens the audit log's file again, after a log rotation may have renamed it. On an error it continues in the old file.
func (l *Loggers) ReopenAudit() error {
	if l.auditFile == nil {
		return nil
	}
	return l.auditFile.Reopen()
}

func newEncoder(format string, out io.Writer) zapcore.Encoder {
	if format == "console" || format == "auto" && IsTerminal(out) {
		e := zap.NewDevelopmentEncoderConfig()
		e.EncodeTime = encodeConsoleTime
		if IsTerminal(out) && wantsColour() {
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

// encodeConsoleTime writes the time of day. A time on another day, such as the end of a certificate, has its date.
func encodeConsoleTime(t time.Time, out zapcore.PrimitiveArrayEncoder) {
	layout := "15:04:05.000"
	if age := time.Since(t); age < -12*time.Hour || age > 12*time.Hour {
		layout = time.RFC3339
	}
	out.AppendString(t.Format(layout))
}

// IsTerminal reports whether out is a terminal.
func IsTerminal(out io.Writer) bool {
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
