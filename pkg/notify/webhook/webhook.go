// Package webhook tells one HTTP receiver of cameras' troubles and their ends: a POST of JSON for each [notify.Notice], signed
// as Standard Webhooks says (https://www.standardwebhooks.com), so that receivers have libraries to check it with.
//
// What cannot be delivered is tried again with growing waits until it is too old. Of each camera only the newest notice
// waits, so that a receiver that is away, or hangs, costs a bounded amount of memory and delays nobody but itself.
package webhook

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"

	"camd/pkg/notify"
)

// Options of a webhook. URL, Key and Cameras are required.
type Options struct {
	URL     *url.URL
	Key     []byte                 // what to sign with
	Cameras func() []notify.Camera // those that there are now; safe for concurrent use

	After     time.Duration      // how long a condition must last to be told
	Timeout   time.Duration      // for an attempt; 0 means 10 s
	GiveUp    time.Duration      // a notice is tried for so long; 0 means 1 h
	Events    []notify.Condition // only these; empty means all
	CameraIDs []string           // only these cameras; empty means all

	Site      string // names this camd to the receiver
	Dashboard string // the address of this camd's pages, without a / at its end; empty if it is not known

	Count func(Result) // may be nil; safe for concurrent use
	Log   *zap.Logger  // nil means none
}

// Result is what became of an attempt or a notice: a fixed set, fit for a metric's label.
type Result string

const (
	Delivered  Result = "delivered"  // the receiver has it
	Retried    Result = "retried"    // an attempt failed, another will follow
	Failed     Result = "failed"     // refused, or too old
	Superseded Result = "superseded" // a newer one of the same camera took its place
)

// Results lists every result.
var Results = []Result{Delivered, Retried, Failed, Superseded}

// Webhook is one receiver. Run belongs to one goroutine.
type Webhook struct {
	opts   Options
	log    *zap.Logger
	signer *standard.Webhook
	client *http.Client
	queue  *queue
}

// New returns a webhook that does nothing until Run.
func New(o Options) *Webhook {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.GiveUp == 0 {
		o.GiveUp = time.Hour
	}
	if o.Count == nil {
		o.Count = func(Result) {}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	signer, _ := standard.NewWebhookRaw(o.Key) // it has no error to give
	return &Webhook{
		opts: o, signer: signer, client: newClient(o.Timeout), queue: newQueue(),
		log: o.Log.With(zap.String("webhook", o.URL.Host)), // its path and query may well be a secret
	}
}

// Run tells the receiver until ctx ends, and returns when all that it started has ended. What waits then is lost.
func (w *Webhook) Run(ctx context.Context) {
	defer w.client.CloseIdleConnections()
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { w.watchCameras(ctx) })
	w.deliver(ctx)
	if n := w.queue.len(); n > 0 {
		w.log.Warn("notices not delivered", zap.Int("notices", n))
	}
}

// watchCameras puts what is new into the queue.
func (w *Webhook) watchCameras(ctx context.Context) {
	watcher := notify.NewWatcher(w.opts.After, w.opts.Cameras)
	tick := time.NewTicker(notify.PollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			notices, _ := watcher.Poll(now)
			for _, n := range notices {
				w.enqueue(n, now)
			}
		}
	}
}

// enqueue queues a notice, if it passes the filters.
func (w *Webhook) enqueue(n notify.Notice, now time.Time) {
	if len(w.opts.Events) > 0 && !slices.Contains(w.opts.Events, n.Condition) || len(w.opts.CameraIDs) > 0 && !slices.Contains(w.opts.CameraIDs, n.Camera) {
		return
	}
	if w.queue.put(w.newDelivery(n, now)) {
		w.opts.Count(Superseded)
	}
}
