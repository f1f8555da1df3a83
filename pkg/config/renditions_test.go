package config

import "testing"

func TestTrackOfRenditionIsRead(t *testing.T) {
	c := parseText(t, `
cameras:
  - id: yard
    source: rtsp://h/1
    substream: rtsp://h/2
    renditions:
      preview: {track: sub}
      large: {width: 1280, track: video}
      small: {width: 320, track: auto}
      tiny: {width: 160}
      whole: {track: sub}
`)
	want := map[string]string{"preview": "sub", "large": "video", "small": "", "tiny": "", "whole": "sub"}
	for _, r := range c.Cameras[0].Renditions {
		if track, ok := want[r.Name]; !ok || r.Track != track {
			t.Errorf("rendition %s is of the track %q, want %q", r.Name, r.Track, track)
		}
		delete(want, r.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if r := parseText(t, "cameras: [{id: a, source: 'test://'}]").Cameras[0].Renditions; len(r) != 1 || r[0].Track != "" {
		t.Errorf("without the key: %+v, want a preview of no particular track", r)
	}
}
