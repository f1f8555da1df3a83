package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
)

// frameAges observes the ages of frames in the server's metrics, for its viewers.
type frameAges struct{ server *Server }

// Add creates the series of a stream of another site's camera, unless they exist.
func (a frameAges) Add(key viewers.Key, topic *broker.Topic) {
	if a.server.config.Load().remote[key.Camera] {
		a.server.remotes.add(remoteStream{key.Camera, key.Rendition}, topic)
	}
}

// Observer returns the observer of the ages of a topic's frames. For a topic that is no longer served it observes nothing.
func (a frameAges) Observer(topic *broker.Topic) prometheus.Observer {
	if o, ok := a.server.config.Load().frameAges[topic]; ok {
		return o
	}
	return a.server.remotes.frameAgeOf(topic)
}

type discardObserver struct{}

func (discardObserver) Observe(float64) {}
