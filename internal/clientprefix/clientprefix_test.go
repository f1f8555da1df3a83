package clientprefix

import (
	"net/netip"
	"testing"
)

func TestIPv6ClientHasItsWholeNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"127.0.0.1":            "127.0.0.1/32",
		"::1":                  "::1/128",
		"2001:db8:1:3::1":      "2001:db8:1:3::/64",
	} {
		if got := Of(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if got := Of(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: %s", got)
	}
}
