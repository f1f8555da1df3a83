package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
)

// frameAges observes the ages of frames in the server's metrics, for its viewers.
type frameAges struct{ server *Server }

// Add creates the series of a stream of another site's camera, unless they exist.
func (f frameAges) Add(key viewers.Key, topic *broker.Topic) {
	if f.server.config.Load().remote[key.Camera] {
		f.server.remotes.add(remoteStream{key.Camera, key.Rendition}, topic)
	}
}

// Observer returns the observer of the ages of a topic's frames. For a topic that is no longer served it observes nothing.
func (f frameAges) Observer(topic *broker.Topic) prometheus.Observer {
	if o, ok := f.server.config.Load().frameAges[topic]; ok {
		return o
	}
	return f.server.remotes.frameAgeOf(topic)
}

type discardObserver struct{}

func (discardObserver) Observe(float64) {}
