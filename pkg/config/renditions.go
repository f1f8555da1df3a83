package config

import (
	"slices"
	"strings"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// autoTrack is the value of track with which camd chooses the track.
const autoTrack = "auto"

// renditions returns the renditions by their names. There is always a preview.
func renditions(s *schema, v *value) []camera.Rendition {
	all := []camera.Rendition{rendition("preview", s.Properties.get("preview"), v.get("preview"))}
	if v == nil {
		return all
	}
	for _, one := range v.order {
		if name := one.key.Value; name != "preview" && !one.bad {
			all = append(all, rendition(name, one.schema, one))
		}
	}
	slices.SortStableFunc(all, func(a, b camera.Rendition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func rendition(name string, s *schema, v *value) camera.Rendition {
	r := camera.Rendition{Name: name}
	decode(s, v, &r)
	if r.Track == autoTrack {
		r.Track = ""
	}
	return r
}

// checkRenditions reports renditions that are the same as the camera's own pictures, and too many.
func (d *decoder) checkRenditions(v *value, count int) {
	if v == nil {
		return
	}
	for _, one := range v.order {
		if one.key.Value != "preview" && !one.bad && one.fields != nil && isSameAsMain(one) {
			d.errorf(one.node, "renditions: %q is the same as %s; give it a width, such as 640, or fewer fps", one.key.Value, camera.Main)
		}
	}
	if count > options.MaxRenditions {
		d.errorf(v.node, "renditions: must be at most %d with %q, are %d; remove some", options.MaxRenditions, "preview", count)
	}
}

// isSameAsMain reports whether a rendition has no key by which its pictures differ from those of main.
func isSameAsMain(v *value) bool {
	switch track := v.get("track"); {
	case track == nil:
		return len(v.fields) == 0
	case len(v.fields) == 1:
		return track.data == autoTrack || track.data == camera.Video
	}
	return false
}

// checkRenditionTracks reports renditions of a track that the camera cannot have. Whether an http:// source sends video is known only
// once it is open, so there the key is accepted.
func (d *decoder) checkRenditionTracks(c options.Camera, v *value) {
	if v.get("renditions") == nil {
		return
	}
	for _, one := range v.get("renditions").order {
		track := one.get("track")
		if track == nil || track.bad || track.data == autoTrack {
			continue
		}
		switch {
		case !slices.Contains([]sourceurl.Kind{sourceurl.RTSP, sourceurl.HTTP, sourceurl.File}, c.Source.Kind):
			d.errorf(track.key, "track: applies only to rtsp:// and http:// sources and files; remove it")
		case track.data == camera.Sub && c.Source.Kind != sourceurl.RTSP:
			d.errorf(track.key, "track: sub applies only to rtsp:// sources with a substream; remove it")
		case track.data == camera.Sub && v.get("substream") == nil:
			d.errorf(track.key, "track: sub needs the key substream at the camera, the address of its smaller stream; set substream, or remove track")
		}
	}
}

// controls returns the settings of a device's image controls. Which controls and values exist is known only once the device is open.
func controls(v *value) map[string]camera.Setting {
	if v == nil || v.bad {
		return nil
	}
	all := map[string]camera.Setting{}
	for _, one := range v.order {
		switch data := one.data.(type) {
		case int64:
			all[one.key.Value] = camera.NumberSetting(data)
		case bool:
			all[one.key.Value] = camera.SwitchSetting(data)
		case string:
			all[one.key.Value] = camera.TextSetting(data)
		}
	}
	return all
}
