package main

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

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	notices "camd/pkg/notify"
	"camd/pkg/notify/mqtt"
	"camd/pkg/notify/webhook"
	"camd/pkg/source"
	"camd/pkg/source/options"
)

// notifier sends notifications about the cameras while it runs.
type notifier interface{ Run(context.Context) }

// alertRunner runs the notifiers of the active configuration, and replaces them when it changes. Run belongs to one
// goroutine; prepare and setCameras to another.
type alertRunner struct {
	metrics *httpapi.Metrics
	server  *httpapi.Server
	log     *zap.Logger
	cameras atomic.Pointer[[]notices.Camera]
	next    chan []notifier // has room for one: the newest

	preparedFor *config.Config // by which ready was made
	ready       []notifier
	prepared    bool // ready is to take over
}

func newAlertRunner(metrics *httpapi.Metrics, server *httpapi.Server, log *zap.Logger) *alertRunner {
	return &alertRunner{metrics: metrics, server: server, log: log, next: make(chan []notifier, 1)}
}

// prepare makes the notifiers of a configuration, if they differ from the current ones. Its error says why they cannot be made;
// then those stay.
func (a *alertRunner) prepare(cfg *config.Config) error {
	if g := a.preparedFor; g != nil && g.Site == cfg.Site && g.PublicURL == cfg.PublicURL && reflect.DeepEqual(g.Webhooks, cfg.Webhooks) &&
		reflect.DeepEqual(g.MQTT, cfg.MQTT) {
		return nil
	}
	ready, err := a.build(cfg)
	if err != nil {
		return err
	}
	a.preparedFor, a.ready, a.prepared = cfg, ready, true
	return nil
}

// setCameras gives the notifiers the cameras, in the configuration's order, and starts those that were prepared.
func (a *alertRunner) setCameras(cfg *config.Config, cameras []*source.Camera) {
	all := make([]notices.Camera, len(cameras))
	for i, c := range cameras {
		all[i] = notifyCamera(cfg.Cameras[i], c)
	}
	a.cameras.Store(&all)
	if !a.prepared {
		return
	}
	a.prepared = false
	select {
	case <-a.next: // one that has not begun
	default:
	}
	a.next <- a.ready
}

// Run runs the notifiers until ctx ends, and returns when they have.
func (a *alertRunner) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case notifiers := <-a.next:
			stop()
			running.Wait() // two must not tell the same broker
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

func (a *alertRunner) build(cfg *config.Config) (all []notifier, err error) {
	cameras := func() []notices.Camera { return *a.cameras.Load() }
	for _, w := range cfg.Webhooks {
		r, err := newWebhook(cfg, w, cameras, a.metrics, a.log)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if cfg.MQTT != nil {
		r, err := newMQTT(cfg, cameras, a.server, a.metrics, a.log)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func notifyCamera(c options.Camera, from *source.Camera) notices.Camera {
	return notices.Camera{ID: c.ID, Title: c.Title, History: from.History, Picture: func() []byte {
		main, _ := from.Topic(camera.Main)
		if f := main.Newest(); f != nil {
			return f.JPEG
		}
		return nil
	}}
}

// siteName is the name of this camd in notifications.
func siteName(cfg *config.Config) string {
	host, _ := os.Hostname()
	return cmp.Or(cfg.Site, host, "camd")
}

func newWebhook(cfg *config.Config, w config.Webhook, cameras func() []notices.Camera, metrics *httpapi.Metrics, log *zap.Logger) (notifier, error) {
	address, err := url.Parse(string(w.URL))
	if err != nil {
		return nil, fmt.Errorf("webhook: its url cannot be used") // which the error repeats
	}
	count := metrics.Notifications("webhook", toStrings(webhook.Results)...)
	return webhook.New(webhook.Options{
		URL: address, Key: []byte(w.Key), Cameras: cameras, After: w.After, Timeout: w.Timeout, GiveUp: w.GiveUp, Events: w.Events, CameraIDs: w.Cameras,
		Site: siteName(cfg), Dashboard: cfg.PublicURL, Count: func(r webhook.Result) { count(string(r)) }, Log: log,
	}), nil
}

func newMQTT(cfg *config.Config, cameras func() []notices.Camera, server *httpapi.Server, metrics *httpapi.Metrics, log *zap.Logger) (notifier, error) {
	m := cfg.MQTT
	address, err := url.Parse(m.Broker)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.CA != "" {
		if tlsConfig.RootCAs, err = config.ReadCA(m.CA); err != nil {
			return nil, fmt.Errorf("mqtt: %w", err)
		}
	}
	count := metrics.Notifications("mqtt", toStrings(mqtt.Results)...)
	o := mqtt.Options{
		Broker: address, TLS: tlsConfig, User: m.User, Password: string(m.Password), Prefix: m.TopicPrefix, Discovery: m.DiscoveryPrefix,
		Cameras: cameras, Viewers: server.ViewerCounts, Snapshots: m.Snapshots, After: m.After,
		Site: siteName(cfg), Version: version, Dashboard: cfg.PublicURL, Count: func(r mqtt.Result) { count(string(r)) }, Log: log,
	}
	if m.Switches {
		o.Switch = func(ctx context.Context, id string, on bool) error { return server.SetPaused(ctx, "mqtt", id, !on) }
	}
	return mqtt.New(o), nil
}

func toStrings[S ~string](all []S) []string {
	list := make([]string, len(all))
	for i, s := range all {
		list[i] = string(s)
	}
	return list
}
