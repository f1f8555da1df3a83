package daemon

import (
	"testing"

	"camd/pkg/config"
)

// The dashboard's links begin with public_url, as those of camd share do.
func TestServerConfigHasPublicURL(t *testing.T) {
	cfg := config.Default()
	cfg.PublicURL = "https://home.example/cams"
	if got := newServerConfig(cfg, nil, nil).PublicURL; got != cfg.PublicURL {
		t.Errorf("got %s", got)
	}
}
