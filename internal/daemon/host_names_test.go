package daemon

import (
	"slices"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/config"
)

func TestMachineNamesIncludeMDNSAndSearchDomains(t *testing.T) {
	for _, c := range []struct {
		host, resolver string
		want           []string
	}{
		{"Box", "", []string{"box", "box", "box.local"}},
		{"box.example.com", "nameserver 1.1.1.1\n# search a\nsearch fritz.box. Lan .\ndomain\n",
			[]string{"box.example.com", "box", "box.local", "box.fritz.box", "box.lan"}},
	} {
		if got := machineNames(c.host, c.resolver); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.host, got, c.want)
		}
	}
}

func TestAcceptedHostsIncludeConfiguredAndCertificateNames(t *testing.T) {
	made := testpeer.Certificate{Name: "Gate.lan"}.Make(t)
	cfg := &config.Config{
		Hosts: []string{"*.lan"}, PublicURL: "https://Cams.example.com:8443/camd", TLS: &config.TLS{Certificate: made.File, Key: made.Key},
	}
	got := acceptedHosts(cfg)
	for _, want := range []string{"*.lan", "cams.example.com", "gate.lan"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q lacks %s", got, want)
		}
	}
	for public, want := range map[string]string{
		"": "", "https://Cams.example.com:8443/camd": "https://cams.example.com:8443", "http://a:80": "http://a", "https://a:443/": "https://a", "http://a:443": "http://a:443",
		"http://[::1]:80/x": "http://[::1]",
	} {
		if got := publicOrigin(&config.Config{PublicURL: public}); got != want {
			t.Errorf("%s: got %s, want %s", public, got, want)
		}
	}
}
