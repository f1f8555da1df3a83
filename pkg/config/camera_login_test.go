package config

import (
	"fmt"
	"testing"
)

func TestSubstreamGetsLoginOfSourceOnSameHost(t *testing.T) {
	for _, c := range []struct{ source, substream, keys, want string }{
		{"rtsp://u:hunter2@h/1", "rtsp://h/2", "", "rtsp://u:hunter2@h/2"},
		{"rtsp://h/1", "rtsp://h/2", ", user: u, password: hunter2", "rtsp://u:hunter2@h/2"},
		{"rtsp://u@h/1", "rtsp://u@h:8554/2", ", password: hunter2", "rtsp://u:hunter2@h:8554/2"},
		{"rtsp://u:hunter2@h/1", "rtsp://u:hunter3@h/2", "", "rtsp://u:hunter3@h/2"},
		{"rtsp://u:hunter2@h/1", "rtsp://v@h/2", "", "rtsp://v:@h/2"},
		{"rtsp://u:hunter2@h/1", "rtsp://v:hunter3@h/2", "", "rtsp://v:hunter3@h/2"},
		{"rtsp://h/1", "rtsp://other/2", ", user: u, password: hunter2", "rtsp://other/2"},
		{"rtsp://u:hunter2@h/1", "rtsp://other/2", "", "rtsp://other/2"},
		{"rtsp://u@h/1", "rtsp://u@other/2", ", password: hunter2", "rtsp://u:@other/2"},
	} {
		text := fmt.Sprintf("cameras: [{id: a, source: '%s', substream: '%s'%s}]", c.source, c.substream, c.keys)
		cfg, err := Parse("camd.yaml", []byte(text), env)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := cfg.Cameras[0].Substream.WithCredentials(); got != c.want {
			t.Errorf("%s: got %s, want %s", text, got, c.want)
		}
	}
}

func TestReaderAppliesOnlyToNetworkSources(t *testing.T) {
	for source, want := range map[string]string{
		"rtsp://h/": "auto", "http://h/": "auto", "http+poll://h/": "auto", "/dev/video0": "", "clip.mp4": "", "test://": "",
	} {
		cfg, err := Parse("camd.yaml", fmt.Appendf(nil, "cameras: [{id: a, source: '%s'}]", source), env)
		if err != nil {
			t.Errorf("%s: %v", source, err)
		} else if got := cfg.Cameras[0].Reader; got != want {
			t.Errorf("%s: got reader %q, want %q", source, got, want)
		}
	}
}
