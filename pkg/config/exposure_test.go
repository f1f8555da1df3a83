package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckExposureRefusesOpenListener(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		"listen: 127.0.0.1:80":                 "",
		"listen: 127.8.0.1:80":                 "",
		"listen: localhost:80":                 "",
		`listen: "[::1]:80"`:                   "",
		"listen: :80\nauth: {anonymous: view}": "",
		"listen: :80":                          "camd.yaml:1:9: listen: :80 can be reached from other machines, and the configuration has no auth; create a user with ",
		"\nlisten:   0.0.0.0:80":               "camd.yaml:2:11: listen: 0.0.0.0:80 can be reached",
		`listen: "[::]:80"`:                    "camd.yaml:1:9: listen: [::]:80 can be reached",
		`listen: "[::ffff:192.0.2.1]:80"`:      "camd.yaml:1:9: listen: [::ffff:192.0.2.1]:80 can be reached",
		"listen: cams.local:80":                "camd.yaml:1:9: listen: cams.local:80 can be reached",
	} {
		cfg, err := Parse("camd.yaml", []byte(text+"\n"+oneCamera), env)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.CheckExposure()
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	cfg := Default()
	cfg.Listen = "0.0.0.0:0"
	if err := cfg.CheckExposure(); err == nil || !strings.HasPrefix(err.Error(), "--listen 0.0.0.0:0 can be reached") || !strings.Contains(err.Error(), "--anonymous view") {
		t.Errorf("got %v", err)
	}
}
