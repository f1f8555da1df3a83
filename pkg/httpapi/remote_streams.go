package httpapi

import (
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
)

// maxRemoteStreams is how many streams of other sites' cameras have series. Each stream has about 40.
const maxRemoteStreams = 1024

// remoteStreams are the streams of other sites' cameras that have been watched here. Only these have series, because a relay may know
// thousands of cameras. It is safe for concurrent use.
type remoteStreams struct {
	frameAge *prometheus.HistogramVec
	mu       sync.Mutex
	streams  map[remoteStream]struct{}
	topics   map[*broker.Topic]remoteStream
	excluded map[remoteStream]struct{} // watched streams without series, at most maxRemoteStreams
}

type remoteStream struct{ camera, rendition string }

func newRemoteStreams(frameAge *prometheus.HistogramVec) *remoteStreams {
	return &remoteStreams{frameAge: frameAge, streams: map[remoteStream]struct{}{}, topics: map[*broker.Topic]remoteStream{}, excluded: map[remoteStream]struct{}{}}
}

func (r *remoteStreams) add(stream remoteStream, topic *broker.Topic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, has := r.streams[stream]; !has {
		if len(r.streams) >= maxRemoteStreams {
			if len(r.excluded) < maxRemoteStreams {
				r.excluded[stream] = struct{}{}
			}
			return
		}
		r.streams[stream] = struct{}{}
	}
	maps.DeleteFunc(r.topics, func(t *broker.Topic, of remoteStream) bool { return of == stream && t != topic })
	r.topics[topic] = stream
}

// frameAgeOf returns the observer of the ages of a topic's frames.
func (r *remoteStreams) frameAgeOf(t *broker.Topic) prometheus.Observer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stream, has := r.topics[t]; has {
		return r.frameAge.WithLabelValues(stream.camera, stream.rendition)
	}
	return discardObserver{}
}

// WatchedRemoteStreams returns the renditions that have series, for each camera of another site. They have series because viewers have
// watched them.
func (s *Server) WatchedRemoteStreams() map[string][]string { return s.remotes.renditionsByCamera() }

// renditionsByCamera returns the renditions of each camera that have series, in order.
func (r *remoteStreams) renditionsByCamera() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := map[string][]string{}
	for s := range r.streams {
		list[s.camera] = append(list[s.camera], s.rendition)
	}
	for _, renditions := range list {
		slices.Sort(renditions)
	}
	return list
}

func (r *remoteStreams) countExcluded() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.excluded)
}

// retain removes the streams that cfg does not serve, and their series.
func (r *remoteStreams) retain(cfg *activeConfig) {
	isGone := func(s remoteStream) bool {
		c := cfg.Cameras[s.camera]
		return !cfg.remote[s.camera] || !slices.Contains(c.Renditions(), s.rendition)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.streams {
		if isGone(s) {
			delete(r.streams, s)
			r.frameAge.DeleteLabelValues(s.camera, s.rendition)
		}
	}
	maps.DeleteFunc(r.excluded, func(s remoteStream, _ struct{}) bool { return isGone(s) })
	maps.DeleteFunc(r.topics, func(_ *broker.Topic, s remoteStream) bool { _, has := r.streams[s]; return !has })
}

// streamKeysWithRemote returns the keys of this camd's streams and of the watched streams of other sites.
func (a *activeConfig) streamKeysWithRemote(watched map[string][]string) []viewers.Key {
	keys := slices.Clone(a.streamKeys)
	for id, renditions := range watched {
		for _, rendition := range renditions {
			for _, transport := range a.transports {
				keys = append(keys, viewers.Key{Camera: id, Rendition: rendition, Transport: transport})
			}
		}
	}
	return keys
}
