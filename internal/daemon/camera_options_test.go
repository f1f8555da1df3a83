package daemon

import (
	"testing"

	"camd/pkg/config"
)

// The links of the dashboard begin with public_url. So do those of camd share.
func TestServerConfigHasPublicURL(t *testing.T) {
	cfg := config.Default()
	cfg.PublicURL = "https://home.example/cams"
	if got := newServerConfig(cfg, nil, nil).PublicURL; got != cfg.PublicURL {
		t.Errorf("got %s", got)
	}
}
