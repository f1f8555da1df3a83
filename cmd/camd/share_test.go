package main

import (
	"strings"
	"testing"

	"camd/pkg/config"
)

// The command's links and the dashboard's lead to the same place.
func TestSharedURL(t *testing.T) {
	cfg := config.Default()
	cfg.PublicURL = "https://home.example/cams"
	if got := sharedURL(cfg, "yard", "x"); got != "https://home.example/cams/cameras/yard?link=x" || !strings.HasPrefix(got, roster(cfg, nil, nil).PublicURL+"/") {
		t.Errorf("got %s, and the dashboard's begin with %s", got, roster(cfg, nil, nil).PublicURL)
	}
}
