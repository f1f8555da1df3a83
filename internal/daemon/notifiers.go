package daemon

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/certificate"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/httpapi/snapshot"
	"camd/pkg/notify"
	"camd/pkg/notify/mqtt"
	"camd/pkg/notify/webhook"
	"camd/pkg/source"
	"camd/pkg/source/options"
)

// notifier sends notifications about the cameras while it runs.
type notifier interface{ Run(context.Context) }

// notifierRunner runs the notifiers of the active configuration, and replaces them when it changes. One goroutine calls Run, and another
// calls the other methods.
type notifierRunner struct {
	metrics *notify.Metrics
	server  *httpapi.Server
	version string
	log     *zap.Logger
	cameras atomic.Pointer[[]notify.Camera]
	next    chan []notifier   // has room for one element, the newest
	config  *config.Config    // of the current notifiers
	build   func() []notifier // makes the notifiers that replace the current ones at the next setCameras; nil if the current ones stay
}

func newNotifierRunner(metrics *notify.Metrics, server *httpapi.Server, version string, log *zap.Logger) *notifierRunner {
	return &notifierRunner{metrics: metrics, server: server, version: version, log: log, next: make(chan []notifier, 1)}
}

// prepare checks the notifiers of a configuration. After commit, the next setCameras replaces the current ones if they differ.
func (n *notifierRunner) prepare(cfg *config.Config) (commit func(), err error) {
	if g := n.config; g != nil && g.Site == cfg.Site && g.PublicURL == cfg.PublicURL && reflect.DeepEqual(g.Webhooks, cfg.Webhooks) &&
		reflect.DeepEqual(g.MQTT, cfg.MQTT) {
		return func() {}, nil
	}
	build, err := n.newNotifiers(cfg)
	if err != nil {
		return nil, err
	}
	return func() { n.config, n.build = cfg, build }, nil
}

// setCameras gives the notifiers the cameras, in the configuration's order, and starts the notifiers that were committed.
func (n *notifierRunner) setCameras(cfg *config.Config, cameras []*source.Camera) {
	all := make([]notify.Camera, len(cameras))
	for i, c := range cameras {
		all[i] = notifyCamera(cfg.Cameras[i], c)
	}
	n.cameras.Store(&all)
	if n.build == nil {
		return
	}
	select {
	case <-n.next: // notifiers that have not started
	default:
	}
	n.next <- n.build()
	n.build = nil
}

// Run runs the notifiers until ctx ends, and returns when all of them have returned.
func (n *notifierRunner) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case notifiers := <-n.next:
			stop()
			running.Wait() // two notifiers must not use the same broker
			own, cancel := context.WithCancel(ctx)
			stop = func() { cancel() }
			for _, r := range notifiers {
				running.Go(func() { r.Run(own) })
			}
		case <-ctx.Done():
			return
		}
	}
}

// newNotifiers returns the function that makes the notifiers of a configuration. The error says which notifier cannot be made.
func (n *notifierRunner) newNotifiers(cfg *config.Config) (func() []notifier, error) {
	cameras := func() []notify.Camera { return *n.cameras.Load() }
	var builds []func() notifier
	for _, w := range cfg.Webhooks {
		r, err := newWebhook(cfg, w, cameras, n.metrics, n.log)
		if err != nil {
			return nil, err
		}
		builds = append(builds, r)
	}
	if cfg.MQTT != nil {
		r, err := newMQTT(cfg, cameras, n.server, n.metrics, n.version, n.log)
		if err != nil {
			return nil, err
		}
		builds = append(builds, r)
	}
	return func() (all []notifier) {
		for _, build := range builds {
			all = append(all, build())
		}
		return all
	}, nil
}

func notifyCamera(c options.Camera, from *source.Camera) notify.Camera {
	return notify.Camera{ID: c.ID, Title: c.Title, History: from.History, Picture: func(ctx context.Context) notify.Picture {
		return newestPicture(ctx, from, c.OnDemand)
	}}
}

// newestPicture returns the newest picture of a camera, of the same age as a snapshot. It waits for one until ctx ends. With onDemand it does
// not wait, because it would open the camera.
func newestPicture(ctx context.Context, from *source.Camera, onDemand bool) notify.Picture {
	oldest := time.Now().Add(-snapshot.MaxAge(from.Status(), camera.Main))
	var f *broker.Frame
	if onDemand {
		main, _ := from.Topic(camera.Main)
		f = main.Newest()
	} else {
		f = snapshot.Fetch(ctx, from, camera.Main, oldest)
	}
	if f == nil || !f.Placeholder && f.Captured.Before(oldest) {
		return notify.Picture{}
	}
	return notify.Picture{JPEG: f.Data, Placeholder: f.Placeholder}
}

// siteName returns the name of this camd in notifications.
func siteName(cfg *config.Config) string {
	host, _ := os.Hostname()
	return cmp.Or(cfg.Site, host, "camd")
}

func newWebhook(cfg *config.Config, w config.Webhook, cameras func() []notify.Camera, metrics *notify.Metrics, log *zap.Logger) (func() notifier, error) {
	address, err := url.Parse(string(w.URL))
	if err != nil {
		return nil, fmt.Errorf("webhook: url is not valid") // err would repeat the url, which may be secret
	}
	var events []notify.Condition
	for _, e := range w.Events {
		events = append(events, notify.Condition(e))
	}
	o := webhook.Options{
		URL: address, Key: []byte(w.Key), Cameras: cameras, After: w.After, Timeout: w.Timeout, GiveUp: w.RetryFor, Events: events, CameraIDs: w.Cameras,
		Site: siteName(cfg), Dashboard: cfg.PublicURL, Log: log,
	}
	return func() notifier {
		o.Count = notify.ResultCounter(metrics, "webhook", webhook.Results)
		return webhook.New(o)
	}, nil
}

func newMQTT(cfg *config.Config, cameras func() []notify.Camera, server *httpapi.Server, metrics *notify.Metrics, version string, log *zap.Logger) (func() notifier, error) {
	m := cfg.MQTT
	address, err := url.Parse(m.URL)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.CA != "" {
		if tlsConfig.RootCAs, err = certificate.LoadCAs(m.CA); err != nil {
			return nil, fmt.Errorf("mqtt: %w", err)
		}
	}
	o := mqtt.Options{
		Broker: address, TLS: tlsConfig, User: m.User, Password: string(m.Password), Prefix: m.TopicPrefix, Discovery: m.DiscoveryPrefix,
		Cameras: cameras, Viewers: server.ViewerCounts, Snapshots: m.Snapshots, After: m.After,
		Site: siteName(cfg), Version: version, Dashboard: cfg.PublicURL, Log: log,
	}
	if m.Switches {
		o.Switch = func(ctx context.Context, id string, on bool) error { return server.SetPaused(ctx, "mqtt", id, !on) }
	}
	return func() notifier {
		o.Count = notify.ResultCounter(metrics, "mqtt", mqtt.Results)
		return mqtt.New(o)
	}, nil
}
