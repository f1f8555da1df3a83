package source

import (
	"cmp"
	"slices"
	"sync/atomic"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// stream is one of a camera's renditions: what it is, and where it is published.
type stream struct {
	camera.Rendition // of main only the name
	topic            *broker.Topic
	published        *atomic.Uint64
}

// streams are a camera's, as others see them: they are not changed, but replaced as a whole.
type streams struct {
	numbered []*stream // as the capture process counts them; main is 0, and nil a number that is not in use
	names    []string  // as people want to see them, main first
}

// streamsOf returns the streams for renditions. Those of earlier ones with the same name keep their number, topic and
// readers. A number that is free is given to another only when there are no more: a picture of the rendition that had it may be
// on its way.
func (c *Camera) streamsOf(renditions []camera.Rendition, earlier []*stream) *streams {
	if earlier == nil {
		earlier = []*stream{c.newStream(camera.Rendition{Name: camera.Main})}
	}
	now := &streams{numbered: make([]*stream, len(earlier)), names: []string{camera.Main}}
	now.numbered[0] = earlier[0]
	for _, r := range renditions {
		now.names = append(now.names, r.Name)
		i := slices.IndexFunc(earlier, func(s *stream) bool { return s != nil && s.Name == r.Name })
		if i >= 0 {
			now.numbered[i] = &stream{r, earlier[i].topic, earlier[i].published}
		}
	}
	for _, r := range renditions {
		if now.find(r.Name) >= 0 {
			continue
		}
		if free := slices.Index(now.numbered, nil); len(now.numbered) > wire.MaxRenditions && free >= 0 {
			now.numbered[free] = c.newStream(r)
		} else {
			now.numbered = append(now.numbered, c.newStream(r))
		}
	}
	return now
}

func (c *Camera) newStream(r camera.Rendition) *stream {
	return &stream{r, broker.NewTopic(c.opts.ID+"/"+r.Name, broker.Options{Linger: linger, Demand: c.demand, Budget: c.budget}), new(atomic.Uint64)}
}

// find returns the number of a rendition, -1 if there is none of that name.
func (s *streams) find(name string) int {
	return slices.IndexFunc(s.numbered, func(st *stream) bool { return st != nil && st.Name == name })
}

// onWire is what a capture process is told of them.
func (s *streams) onWire() (list []wire.Rendition) {
	for _, st := range s.numbered[1:] {
		var r wire.Rendition
		if st != nil {
			r = wire.Rendition{Width: st.Width, FPS: st.FPS, Quality: st.Quality}
		}
		list = append(list, r)
	}
	return list
}

// Renditions returns their names, main first.
func (c *Camera) Renditions() []string { return slices.Clone(c.streams.Load().names) }

// Topic returns the camera's stream in a rendition; empty means main.
func (c *Camera) Topic(rendition string) (*broker.Topic, bool) {
	all := c.streams.Load()
	if i := all.find(cmp.Or(rendition, camera.Main)); i >= 0 {
		return all.numbered[i].topic, true
	}
	return nil, false
}

// restream makes the renditions those that are wanted now. Readers of one that goes come to its end; nobody else notices.
func (s *supervisor) restream(renditions []camera.Rendition) {
	before, now := s.streams.Load(), s.streamsOf(renditions, s.streams.Load().numbered)
	s.streams.Store(now)
	wants := make([]bool, len(now.numbered))
	for i, was := range before.numbered {
		switch {
		case was == nil:
		case now.numbered[i] == nil || now.numbered[i].topic != was.topic:
			was.topic.End()
			if s.worker != nil && s.wants[i] {
				s.worker.send(wire.Demand{Rendition: uint8(i)})
			}
		default:
			wants[i] = s.wants[i]
		}
	}
	s.wants, s.cards = wants, nil
	s.update(func(st *camera.Status) { st.Renditions = renditions })
}

// endStreams lets all readers go.
func (s *supervisor) endStreams() {
	for _, st := range s.streams.Load().numbered {
		if st != nil {
			st.topic.End()
		}
	}
}
