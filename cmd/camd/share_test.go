package main

import (
	"strings"
	"testing"

	"camd/pkg/config"
)

// The command's links and the dashboard's lead to the same place.
func TestShareURLMatchesDashboard(t *testing.T) {
	cfg := config.Default()
	cfg.PublicURL = "https://home.example/cams"
	if got := shareURL(cfg, "yard", "x"); got != "https://home.example/cams/cameras/yard?link=x" || !strings.HasPrefix(got, newServerConfig(cfg, nil, nil).PublicURL+"/") {
		t.Errorf("got %s, and the dashboard's begin with %s", got, newServerConfig(cfg, nil, nil).PublicURL)
	}
}
