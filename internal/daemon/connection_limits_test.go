package daemon

import (
	"net/netip"
	"slices"
	"testing"

	"camd/pkg/config"
)

// The limit per address does not apply to trusted proxies, because many clients share their address.
func TestTrustedProxiesAreExemptFromAddressLimit(t *testing.T) {
	cfg := config.Default()
	if limits, _ := connectionLimits(cfg); len(limits.Exempt) != 0 {
		t.Errorf("without auth %v", limits)
	}
	cfg.Auth = &config.Auth{TrustedProxies: []string{"10.0.0.7/32"}}
	if limits, _ := connectionLimits(cfg); !slices.Equal(limits.Exempt, []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}) {
		t.Errorf("%v", limits)
	}
}
