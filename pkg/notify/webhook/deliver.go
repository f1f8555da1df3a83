package webhook

import (
	"context"
	"time"

	"go.uber.org/zap"

	"camd/pkg/notify"
)

// maxBackoff is the longest wait between attempts, before the jitter of notify.NewBackoff. A Retry-After of the receiver may be longer, up
// to maxRetryAfter.
const maxBackoff = time.Minute

// deliver sends deliveries from the queue, one at a time, until ctx ends.
func (w *Webhook) deliver(ctx context.Context) {
	retries := notify.NewBackoff(maxBackoff)
	for {
		l := w.queue.next(ctx)
		if l == nil {
			return
		}
		failed := w.post(ctx, l)
		switch {
		case failed == nil:
			w.finish(l, Delivered)
			w.log.Info("notice delivered", l.logFields()...)
			retries.Reset()
		case ctx.Err() != nil:
			return
		case failed.permanent || time.Since(l.createdAt) >= w.opts.GiveUp:
			w.finish(l, Failed)
			w.log.Error("notice not delivered", append(l.logFields(), zap.String("problem", failed.problem))...)
		default:
			w.opts.Count(Retried)
			wait := max(retries.NextBackOff(), failed.retryAfter)
			w.log.Warn("notice delivery failed", append(l.logFields(), zap.String("problem", failed.problem), zap.Duration("retry", wait))...)
			sleep(ctx, wait)
		}
	}
}

// finish removes a delivery from the queue and counts its result.
func (w *Webhook) finish(l *delivery, r Result) {
	w.queue.done(l)
	w.opts.Count(r)
}

// sleep waits, or returns when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
