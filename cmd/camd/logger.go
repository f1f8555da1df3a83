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

// newLogger logs to out: JSON for machines, with priorities for the journal, and columns for a terminal. The level that is
// returned can be set at any time.
func newLogger(c config.Log, out io.Writer) (*zap.Logger, zap.AtomicLevel, error) {
	level, err := zap.ParseAtomicLevel(c.Level)
	if err != nil {
		return nil, level, fmt.Errorf("log level %q: want debug, info, warn or error", c.Level)
	}
	core := zapcore.NewCore(encoder(c.Format, out), zapcore.Lock(zapcore.AddSync(out)), level)
	return zap.New(limitRepeats(core)), level, nil
}

func encoder(format string, out io.Writer) zapcore.Encoder {
	if format == "console" || format == "auto" && isTerminal(out) {
		e := zap.NewDevelopmentEncoderConfig()
		e.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		if isTerminal(out) && mayColour() {
			e.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		return zapcore.NewConsoleEncoder(e)
	}
	e := zap.NewProductionEncoderConfig()
	e.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.SecondsDurationEncoder
	if format == "auto" && isJournal(out) {
		return prioritised{zapcore.NewJSONEncoder(e)}
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

// mayColour follows https://no-color.org.
func mayColour() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

func isJournal(out io.Writer) bool {
	if f, ok := out.(*os.File); !ok || f != os.Stderr {
		return false
	}
	is, err := journal.StderrIsJournalStream()
	return err == nil && is
}
