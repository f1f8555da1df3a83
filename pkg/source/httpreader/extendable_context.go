package httpreader

import (
	"context"
	"errors"
	"time"
)

// errDeadline is the cause of an extendableContext whose time has run out.
var errDeadline = context.DeadlineExceeded

// extendableContext is a context that ends when it is not extended in time.
type extendableContext struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func newExtendableContext(ctx context.Context, d time.Duration) *extendableContext {
	e := &extendableContext{}
	e.Context, e.cancel = context.WithCancelCause(ctx)
	e.timer = time.AfterFunc(d, func() { e.cancel(errDeadline) })
	return e
}

// hasExpired reports whether time has run out.
func (e *extendableContext) hasExpired() bool { return errors.Is(context.Cause(e), errDeadline) }

// pause stops the time until extend is called.
func (e *extendableContext) pause() { e.timer.Stop() }

func (e *extendableContext) extend(d time.Duration) { e.timer.Reset(d) }

func (e *extendableContext) release() {
	e.timer.Stop()
	e.cancel(nil)
}
