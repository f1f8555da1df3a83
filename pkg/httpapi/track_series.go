package httpapi

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// addTracks adds the tracks that a camera may have. Whether it sends video is known only once it is open.
func (s *Server) addTracks(active *activeConfig, id string, c Camera) {
	for _, name := range []string{camera.Video, camera.Sub} {
		topic, ok := c.Track(name)
		if !ok {
			continue
		}
		active.frameAges[topic] = &trackFrameAge{create: sync.OnceValue(func() prometheus.Observer { return s.frameAge.WithLabelValues(id, name) })}
		for _, t := range active.transports {
			active.trackKeys = append(active.trackKeys, viewers.Key{Camera: id, Rendition: name, Transport: t})
		}
	}
}

// trackFrameAge observes the ages of a track's frames. It creates the histogram with the first frame, because most cameras that may have a
// track send no video.
type trackFrameAge struct{ create func() prometheus.Observer }

func (t *trackFrameAge) Observe(age float64) { t.create().Observe(age) }

// existingTrackKeys returns the keys of the tracks that exist: the camera has sent video since it was added.
func (a *activeConfig) existingTrackKeys() (keys []viewers.Key) {
	exists := map[string][]string{} // tracks, by camera
	for _, key := range a.trackKeys {
		tracks, known := exists[key.Camera]
		if !known {
			tracks = trackNames(a.Cameras[key.Camera].Status())
			exists[key.Camera] = tracks
		}
		if slices.Contains(tracks, key.Rendition) {
			keys = append(keys, key)
		}
	}
	return keys
}

func trackNames(s camera.Status) []string {
	names := []string{}
	for _, t := range s.Tracks {
		names = append(names, t.Name)
	}
	return names
}
