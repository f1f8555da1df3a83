package main

import (
	"fmt"
	"testing"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// remote is a camera of another site.
type remote struct {
	id     string
	topics map[string]*broker.Topic
}

func (r remote) Status() camera.Status {
	return camera.Status{ID: r.id, State: camera.Live, Remote: true, Site: "north"}
}
func (r remote) Renditions() []string                 { return []string{camera.Main, "preview"} }
func (r remote) Topic(n string) (*broker.Topic, bool) { t, ok := r.topics[n]; return t, ok }

// BenchmarkRoster measures what it costs a relay that one of so many cameras comes or goes, or its renditions change; a box's
// words cost it nothing of that.
func BenchmarkRoster(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := roster(config.Default(), nil, nil)
			for i := range n {
				c := remote{fmt.Sprint("north.c", i), map[string]*broker.Topic{}}
				for _, name := range c.Renditions() {
					c.topics[name] = broker.NewTopic(c.id+"/"+name, broker.Options{Depth: 8})
				}
				r.Order, r.Cameras[c.id] = append(r.Order, c.id), c
			}
			s := httpapi.New(httpapi.Options{Roster: r, Metrics: httpapi.NewMetrics("", "")})
			for b.Loop() {
				s.Change(r)
			}
		})
	}
}
