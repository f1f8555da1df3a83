package main

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A message is repeated so often within the window, for each camera and remote host; more is counted.
const (
	mostRepeats  = 20
	repeatWindow = time.Minute
	mostKinds    = 10_000 // of messages to count; what is beyond is counted whoever it is of
)

// repeats is a core that leaves out what is said too often. How much that was, the next line of its kind says in
// "suppressed", or, where none follows, one of its own once the window is over and anything at all is logged. Debug is
// logged whole: who asks for it wants to see everything.
type repeats struct {
	zapcore.Core
	kind // as far as the logger's own fields say
	*tally
}

// kind is what makes a line a repetition of another.
type kind struct{ message, camera, remote, who string }

// tally counts the lines of each kind. It is shared by all loggers derived from one.
type tally struct {
	bare  zapcore.Core // without any logger's fields
	mu    sync.Mutex
	swept time.Time
	kinds map[kind]*count
}

type count struct {
	level          zapcore.Level
	logger         string
	began          time.Time
	said, withheld int
}

func limitRepeats(core zapcore.Core) zapcore.Core {
	return &repeats{Core: core, tally: &tally{bare: core, kinds: map[kind]*count{}}}
}

func (r *repeats) With(fields []zapcore.Field) zapcore.Core {
	return &repeats{Core: r.Core.With(fields), kind: r.kind.with(fields), tally: r.tally}
}

func (k kind) with(fields []zapcore.Field) kind {
	for _, f := range fields {
		switch f.Key {
		case "camera":
			k.camera = f.String
		case "who":
			k.who = f.String
		case "address", "remote":
			k.remote = network(f.String)
		}
	}
	return k
}

// network is what counts as one remote host: whoever has an IPv6 address has all of its /64.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if addr = addr.Unmap().WithZone(""); err != nil || addr.Is4() {
		return host
	}
	p, _ := addr.Prefix(64) // it has more bits than that
	return p.String()
}

func (r *repeats) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(e.Level) {
		return to.AddCore(e, r)
	}
	return to
}

func (r *repeats) Write(e zapcore.Entry, fields []zapcore.Field) error {
	over := r.sweep(e.Time, false)
	if e.Level > zapcore.DebugLevel && e.Level <= zapcore.ErrorLevel {
		k := r.kind.with(fields)
		k.message = e.Message
		say, withheld := r.note(k, e)
		if !say {
			return over
		}
		if withheld > 0 {
			fields = append(fields[:len(fields):len(fields)], zap.Int("suppressed", withheld))
		}
	}
	return errors.Join(over, r.Core.Write(e, fields))
}

// note counts a line, and says whether to write it and how many of its kind were not written in the window before.
func (t *tally) note(k kind, e zapcore.Entry) (say bool, withheld int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	full := t.kinds[k] == nil && len(t.kinds) >= mostKinds
	if full && k.remote != "" { // strangers can be as many as they like, messages cannot
		k, full = kind{message: k.message}, false
	}
	c := t.kinds[k]
	switch {
	case full:
		return true, 0
	case c == nil:
		c = &count{began: e.Time}
		t.kinds[k] = c
	case e.Time.Sub(c.began) >= repeatWindow:
		withheld = c.withheld
		*c = count{began: e.Time}
	}
	c.level, c.logger = e.Level, e.LoggerName
	if c.said >= mostRepeats {
		c.withheld++
		return false, 0
	}
	c.said++
	return true, withheld
}

// sweep forgets the kinds whose window is over, or all, and says what was left out of them.
func (t *tally) sweep(now time.Time, all bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !all && now.Sub(t.swept) < repeatWindow {
		return nil
	}
	t.swept = now
	var errs error
	for k, c := range t.kinds {
		if !all && now.Sub(c.began) < repeatWindow {
			continue
		}
		delete(t.kinds, k)
		if c.withheld > 0 && t.bare.Enabled(c.level) {
			errs = errors.Join(errs, t.bare.Write(zapcore.Entry{Level: c.level, LoggerName: c.logger, Time: now, Message: "lines suppressed"}, k.fields(c.withheld)))
		}
	}
	return errs
}

func (k kind) fields(withheld int) []zapcore.Field {
	fields := []zapcore.Field{zap.String("message", k.message)}
	if k.camera != "" {
		fields = append(fields, zap.String("camera", k.camera))
	}
	if k.remote != "" {
		fields = append(fields, zap.String("remote", k.remote))
	}
	if k.who != "" {
		fields = append(fields, zap.String("who", k.who))
	}
	return append(fields, zap.Int("suppressed", withheld))
}

// Sync says what is left to say.
func (r *repeats) Sync() error { return errors.Join(r.sweep(time.Now(), true), r.Core.Sync()) }
