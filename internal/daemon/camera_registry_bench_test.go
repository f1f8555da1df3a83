package daemon

import (
	"fmt"
	"testing"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// benchCamera is a camera of another site.
type benchCamera struct {
	id     string
	topics map[string]*broker.Topic
}

func (b benchCamera) Status() camera.Status {
	return camera.Status{ID: b.id, State: camera.Live, Remote: true, Site: "north"}
}
func (b benchCamera) Renditions() []string                 { return []string{camera.Main, "preview"} }
func (benchCamera) Track(string) (*broker.Topic, bool)     { return nil, false }
func (b benchCamera) Topic(n string) (*broker.Topic, bool) { t, ok := b.topics[n]; return t, ok }

// BenchmarkSetConfig measures the work of a relay when one of many cameras appears or disappears, or its renditions change. An announcement
// without such a change does not cause this work.
func BenchmarkSetConfig(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newServerConfig(config.Default(), nil, nil)
			for i := range n {
				c := benchCamera{fmt.Sprint("north.c", i), map[string]*broker.Topic{}}
				for _, name := range c.Renditions() {
					c.topics[name] = broker.NewTopic(c.id+"/"+name, broker.Options{Depth: 8})
				}
				r.Order, r.Cameras[c.id] = append(r.Order, c.id), c
			}
			s := httpapi.New(httpapi.Options{Config: r})
			for b.Loop() {
				s.SetConfig(r)
			}
		})
	}
}
