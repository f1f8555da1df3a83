package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"

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

// buildReceivers makes the receivers of the configuration. watched returns the cameras that there are whenever it is called.
func buildReceivers(cfg *config.Config, watched func() []notices.Camera, server *httpapi.Server, metrics *httpapi.Metrics, log *zap.Logger) ([]receiver, error) {
	var all []receiver
	for _, w := range cfg.Webhooks {
		r, err := newWebhook(cfg, w, watched, metrics, log)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if cfg.MQTT != nil {
		r, err := newMQTT(cfg, watched, server, metrics, log)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// watchedBy returns what gives receivers these cameras.
func watchedBy(cfg *config.Config, cameras []*source.Camera) func() []notices.Camera {
	all := make([]notices.Camera, len(cameras))
	for i, c := range cameras {
		all[i] = watchedCamera(cfg.Cameras[i], c)
	}
	return func() []notices.Camera { return all }
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
		o.Switch = func(ctx context.Context, id string, on bool) error { return server.Switch(ctx, id, !on) }
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
