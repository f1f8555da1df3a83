package main

import (
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"camd/pkg/certificate"
	"camd/pkg/config"
)

// scheme is what addresses of a camd begin with.
func scheme(cfg *config.Config) string {
	if cfg.TLS == nil {
		return "http"
	}
	return "https"
}

// present shows the certificate of the configuration from now on, as its files have it. What is not well about it goes to the
// log.
func present(cfg *config.Config, shown *certificate.Shown, log *zap.Logger) error {
	if cfg.TLS == nil {
		return nil
	}
	c, err := cfg.TLS.Load()
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	for _, concern := range cfg.TLS.Concerns(c, time.Now()) {
		log.Warn(concern.What, zap.String("detail", concern.Detail))
	}
	shown.Show(c)
	return nil
}

// acquainted returns a client that speaks to the camd of that configuration and to no other.
func acquainted(cfg *config.Config) (*http.Client, error) {
	if cfg.TLS == nil {
		return http.DefaultClient, nil
	}
	c, err := cfg.TLS.Load()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: certificate.Client(c)}}, nil
}
