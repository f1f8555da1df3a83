package main

import (
	"testing"

	"camd/pkg/config"
)

// The links of the command begin with public_url. So do those of the dashboard: see the test of newServerConfig in internal/daemon.
func TestShareURLBeginsWithPublicURL(t *testing.T) {
	cfg := config.Default()
	cfg.PublicURL = "https://home.example/cams"
	if got := shareURL(cfg, "yard", "x"); got != "https://home.example/cams/cameras/yard?link=x" {
		t.Errorf("got %s", got)
	}
}
