package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
)

// frameAges observes the ages of frames in the server's metrics, for its viewers.
type frameAges struct{ server *Server }

// Add gives a stream of another site's camera its series, unless it has them.
func (a frameAges) Add(key viewers.Key, topic *broker.Topic) {
	if a.server.config.Load().remote[key.Camera] {
		a.server.remotes.add(remoteStream{key.Camera, key.Rendition}, topic)
	}
}

// Observer returns what observes the ages of a topic's frames. The ages of a topic that is not served any more go nowhere.
func (a frameAges) Observer(topic *broker.Topic) prometheus.Observer {
	if o, ok := a.server.config.Load().frameAges[topic]; ok {
		return o
	}
	return a.server.remotes.frameAgeOf(topic)
}

type discardObserver struct{}

func (discardObserver) Observe(float64) {}
