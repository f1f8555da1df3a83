// Package webhook sends notices about cameras to one HTTP receiver. Each [notify.Notice] is a POST request with JSON. It is signed
// according to Standard Webhooks (https://www.standardwebhooks.com), so that receivers can check it with existing libraries.
//
// A failed delivery is tried again, after growing waits, until the notice is too old. Only the newest notice of each camera waits.
// So a receiver that is down or hangs costs bounded memory, and delays no other receiver.
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
	Key     []byte                 // signs the requests
	Cameras func() []notify.Camera // returns the present cameras; safe for concurrent use

	After     time.Duration      // how long a condition must last before there is a notice
	Timeout   time.Duration      // of one attempt; 0 means 10 s
	GiveUp    time.Duration      // how long to try to deliver a notice; 0 means 1 h
	Events    []notify.Condition // send only these; empty means all
	CameraIDs []string           // send only notices about these; empty means all

	Site      string // the name of this camd in the requests
	Dashboard string // the address of the dashboard, without a / at its end; empty if it is not known

	Count func(Result) // may be nil; safe for concurrent use
	Log   *zap.Logger  // nil means none
}

// Result is the result of an attempt or a notice. The set is fixed, so that it can be a metric's label.
type Result string

// The results.
const (
	Delivered  Result = "delivered"  // the receiver has accepted the notice
	Retried    Result = "retried"    // an attempt failed, and another will follow
	Failed     Result = "failed"     // the receiver has refused the notice, or it is too old
	Superseded Result = "superseded" // a newer notice of the same camera has replaced it
)

// Results lists every result.
var Results = []Result{Delivered, Retried, Failed, Superseded}

// Webhook delivers notices to one receiver. Call Run once.
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
	signer, _ := standard.NewWebhookRaw(o.Key) // its error is always nil
	return &Webhook{
		opts: o, signer: signer, client: newClient(o.Timeout), queue: newQueue(),
		log: o.Log.With(zap.String("webhook", o.URL.Host)), // without path and query, which may be secret
	}
}

// Run delivers notices until ctx ends. It returns when everything that it started has ended. Notices that still wait are lost.
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

// watchCameras queues new notices until ctx ends.
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

// enqueue queues a notice, if it passes the filters Events and CameraIDs.
func (w *Webhook) enqueue(n notify.Notice, now time.Time) {
	if len(w.opts.Events) > 0 && !slices.Contains(w.opts.Events, n.Condition) || len(w.opts.CameraIDs) > 0 && !slices.Contains(w.opts.CameraIDs, n.Camera) {
		return
	}
	if w.queue.put(w.newDelivery(n, now)) {
		w.opts.Count(Superseded)
	}
}
