package main

import (
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"camd/pkg/config"
)

// newLogger logs to out: JSON for machines, with the journal's priorities where it goes there, columns for a terminal.
func newLogger(c config.Log, out io.Writer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", c.Level)
	}
	lines := encoder(c.Format, out)
	if inJournal(out) {
		lines = prioritized{lines}
	}
	return zap.New(zapcore.NewCore(lines, zapcore.Lock(zapcore.AddSync(out)), level)), nil
}

func encoder(format string, out io.Writer) zapcore.Encoder {
	if format == "console" || format == "auto" && isTerminal(out) {
		e := zap.NewDevelopmentEncoderConfig()
		e.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		if isTerminal(out) {
			e.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		return zapcore.NewConsoleEncoder(e)
	}
	e := zap.NewProductionEncoderConfig()
	e.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.SecondsDurationEncoder
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
