package main

import (
	"net/netip"
	"slices"
	"testing"

	"camd/pkg/access"
	"camd/pkg/config"
)

// Who is behind a trusted proxy is not kept out by what others do behind it.
func TestProxiesConnect(t *testing.T) {
	cfg := config.Default()
	if limits, _ := connections(cfg); len(limits.Except) != 0 {
		t.Errorf("without auth %v", limits)
	}
	cfg.Auth = &config.Auth{Proxies: access.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}}}
	if limits, _ := connections(cfg); !slices.Equal(limits.Except, cfg.Auth.Proxies.Networks) {
		t.Errorf("%v", limits)
	}
}
