package logging

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// At most maxRepeats lines of a kind are written within a window. Further ones are only counted.
const (
	maxRepeats   = 20
	repeatWindow = time.Minute
	maxLineKeys  = 10_000 // kinds that are counted separately; all further kinds of one message are counted together
)

// repeatLimiter is a core that suppresses lines which repeat too often. The next line of the same kind reports the number of suppressed lines
// in its field "suppressed". If no such line follows, a separate line reports the number when any line is logged after the window. Debug
// lines are never suppressed.
type repeatLimiter struct {
	zapcore.Core
	lineKey // of the logger's own fields
	*repeatCounter
}

// lineKey identifies a kind of lines. Lines of the same kind count as repetitions of each other.
type lineKey struct{ message, camera, remote, actor string }

// repeatCounter counts the lines of each kind. All loggers that are derived from one share it.
type repeatCounter struct {
	bare      zapcore.Core // without any logger's fields
	mu        sync.Mutex
	lastSweep time.Time
	counts    map[lineKey]*lineCount
}

type lineCount struct {
	level               zapcore.Level
	logger              string
	start               time.Time
	written, suppressed int
}

func limitRepeats(core zapcore.Core) zapcore.Core {
	return &repeatLimiter{Core: core, repeatCounter: &repeatCounter{bare: core, counts: map[lineKey]*lineCount{}}}
}

func (r *repeatLimiter) With(fields []zapcore.Field) zapcore.Core {
	return &repeatLimiter{Core: r.Core.With(fields), lineKey: r.lineKey.withFields(fields), repeatCounter: r.repeatCounter}
}

func (l lineKey) withFields(fields []zapcore.Field) lineKey {
	for _, f := range fields {
		switch f.Key {
		case "camera":
			l.camera = f.String
		case "requester":
			l.actor = f.String
		case "address", "remote":
			l.remote = remoteNetwork(f.String)
		}
	}
	return l
}

// remoteNetwork returns the part of an address that counts as one remote host: the owner of an IPv6 address has its whole /64.
func remoteNetwork(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if addr = addr.Unmap().WithZone(""); err != nil || addr.Is4() {
		return host
	}
	p, _ := addr.Prefix(64) // no error: the address has more bits
	return p.String()
}

func (r *repeatLimiter) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(e.Level) {
		return to.AddCore(e, r)
	}
	return to
}

func (r *repeatLimiter) Write(e zapcore.Entry, fields []zapcore.Field) error {
	sweepErr := r.sweep(e.Time, false)
	if e.Level > zapcore.DebugLevel && e.Level <= zapcore.ErrorLevel {
		k := r.lineKey.withFields(fields)
		k.message = e.Message
		write, suppressed := r.record(k, e)
		if !write {
			return sweepErr
		}
		if suppressed > 0 {
			fields = append(fields[:len(fields):len(fields)], zap.Int("suppressed", suppressed))
		}
	}
	return errors.Join(sweepErr, r.Core.Write(e, fields))
}

// record counts a line. It returns whether to write the line, and how many of its kind were suppressed in the previous window.
func (r *repeatCounter) record(k lineKey, e zapcore.Entry) (write bool, suppressed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	full := r.counts[k] == nil && len(r.counts) >= maxLineKeys
	if full && k.remote != "" { // the number of remote hosts has no limit, the number of messages has
		k, full = lineKey{message: k.message}, false
	}
	c := r.counts[k]
	switch {
	case full:
		return true, 0
	case c == nil:
		c = &lineCount{start: e.Time}
		r.counts[k] = c
	case e.Time.Sub(c.start) >= repeatWindow:
		suppressed = c.suppressed
		*c = lineCount{start: e.Time}
	}
	c.level, c.logger = e.Level, e.LoggerName
	if c.written >= maxRepeats {
		c.suppressed++
		return false, 0
	}
	c.written++
	return true, suppressed
}

// sweep forgets the kinds whose window is over, or all kinds. It logs how many of their lines were suppressed.
func (r *repeatCounter) sweep(now time.Time, all bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !all && now.Sub(r.lastSweep) < repeatWindow {
		return nil
	}
	r.lastSweep = now
	var errs error
	for k, c := range r.counts {
		if !all && now.Sub(c.start) < repeatWindow {
			continue
		}
		delete(r.counts, k)
		if c.suppressed > 0 && r.bare.Enabled(c.level) {
			errs = errors.Join(errs, r.bare.Write(zapcore.Entry{Level: c.level, LoggerName: c.logger, Time: now, Message: "lines suppressed"}, k.fields(c.suppressed)))
		}
	}
	return errs
}

func (l lineKey) fields(suppressed int) []zapcore.Field {
	fields := []zapcore.Field{zap.String("message", l.message)}
	if l.camera != "" {
		fields = append(fields, zap.String("camera", l.camera))
	}
	if l.remote != "" {
		fields = append(fields, zap.String("remote", l.remote))
	}
	if l.actor != "" {
		fields = append(fields, zap.String("requester", l.actor))
	}
	return append(fields, zap.Int("suppressed", suppressed))
}

// Sync logs how many lines have been suppressed so far.
func (r *repeatLimiter) Sync() error { return errors.Join(r.sweep(time.Now(), true), r.Core.Sync()) }
