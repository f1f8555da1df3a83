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
)

// receiver is told of the cameras for as long as it runs.
type receiver interface{ Run(context.Context) }

// alerts runs the receivers of the configuration in force, and begins anew with those of another one. Run belongs to one
// goroutine; prepare and change to another.
type alerts struct {
	metrics *httpapi.Metrics
	server  *httpapi.Server
	log     *zap.Logger
	cameras atomic.Pointer[[]notices.Camera]
	next    chan []receiver // has room for one: the newest

	given    *config.Config // by which ready was made
	ready    []receiver
	prepared bool // ready is to take over
}

func newAlerts(metrics *httpapi.Metrics, server *httpapi.Server, log *zap.Logger) *alerts {
	return &alerts{metrics: metrics, server: server, log: log, next: make(chan []receiver, 1)}
}

// prepare makes the receivers of a configuration, if they differ from those there are. Its error says why they cannot be made;
// then those stay.
func (a *alerts) prepare(cfg *config.Config) error {
	if g := a.given; g != nil && g.Site == cfg.Site && g.PublicURL == cfg.PublicURL && reflect.DeepEqual(g.Webhooks, cfg.Webhooks) &&
		reflect.DeepEqual(g.MQTT, cfg.MQTT) {
		return nil
	}
	ready, err := a.build(cfg)
	if err != nil {
		return err
	}
	a.given, a.ready, a.prepared = cfg, ready, true
	return nil
}

// change tells the receivers which cameras there are, in the configuration's order, and lets those that were prepared take over.
func (a *alerts) change(cfg *config.Config, cameras []*source.Camera) {
	all := make([]notices.Camera, len(cameras))
	for i, c := range cameras {
		all[i] = watchedCamera(cfg.Cameras[i], c)
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

// Run lets receivers run until ctx ends, and returns when they have.
func (a *alerts) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case receivers := <-a.next:
			stop()
			running.Wait() // two must not tell the same broker
			own, cancel := context.WithCancel(ctx)
			stop = func() { cancel() }
			for _, r := range receivers {
				running.Go(func() { r.Run(own) })
			}
		case <-ctx.Done():
			return
		}
	}
}

func (a *alerts) build(cfg *config.Config) (all []receiver, err error) {
	watched := func() []notices.Camera { return *a.cameras.Load() }
	for _, w := range cfg.Webhooks {
		r, err := newWebhook(cfg, w, watched, a.metrics, a.log)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if cfg.MQTT != nil {
		r, err := newMQTT(cfg, watched, a.server, a.metrics, a.log)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func watchedCamera(c config.Camera, from *source.Camera) notices.Camera {
	return notices.Camera{ID: c.ID, Title: c.Title, History: from.History, Picture: func() []byte {
		main, _ := from.Topic(camera.Main)
		if f := main.Newest(); f != nil {
			return f.JPEG
		}
		return nil
	}}
}

// site names this camd to others.
func site(cfg *config.Config) string {
	host, _ := os.Hostname()
	return cmp.Or(cfg.Site, host, "camd")
}

func newWebhook(cfg *config.Config, w config.Webhook, watched func() []notices.Camera, metrics *httpapi.Metrics, log *zap.Logger) (receiver, error) {
	address, err := url.Parse(string(w.URL))
	if err != nil {
		return nil, fmt.Errorf("webhook: its url cannot be used") // which the error repeats
	}
	count := metrics.Notifications("webhook", names(webhook.Results)...)
	return webhook.New(webhook.Options{
		URL: address, Key: []byte(w.Key), Cameras: watched, After: w.After, Timeout: w.Timeout, GiveUp: w.GiveUp, Events: w.Events, Only: w.Cameras,
		Site: site(cfg), Dashboard: cfg.PublicURL, Count: func(r webhook.Result) { count(string(r)) }, Log: log,
	}), nil
}

func newMQTT(cfg *config.Config, watched func() []notices.Camera, server *httpapi.Server, metrics *httpapi.Metrics, log *zap.Logger) (receiver, error) {
	m := cfg.MQTT
	address, err := url.Parse(m.Broker)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	encryption := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.CA != "" {
		if encryption.RootCAs, err = config.ReadCA(m.CA); err != nil {
			return nil, fmt.Errorf("mqtt: %w", err)
		}
	}
	count := metrics.Notifications("mqtt", names(mqtt.Results)...)
	o := mqtt.Options{
		Broker: address, TLS: encryption, User: m.User, Password: string(m.Password), Prefix: m.TopicPrefix, Discovery: m.DiscoveryPrefix,
		Cameras: watched, Viewers: server.Watching, Snapshots: m.Snapshots, After: m.After,
		Site: site(cfg), Version: version, Dashboard: cfg.PublicURL, Count: func(r mqtt.Result) { count(string(r)) }, Log: log,
	}
	if m.Switches {
		o.Switch = func(ctx context.Context, id string, on bool) error { return server.Switch(ctx, "mqtt", id, !on) }
	}
	return mqtt.New(o), nil
}

func names[S ~string](all []S) []string {
	list := make([]string, len(all))
	for i, s := range all {
		list[i] = string(s)
	}
	return list
}
