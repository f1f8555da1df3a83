package source

import (
	"cmp"
	"slices"
	"sync/atomic"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// stream is one of a camera's renditions: what it is, and where it is published.
type stream struct {
	camera.Rendition // of main only the name
	topic            *broker.Topic
	published        *atomic.Uint64
}

// streamSet is all streams of a camera. It is never changed, but replaced as a whole.
type streamSet struct {
	byNumber []*stream // as the capture process counts them; main is 0, and nil a number that is not in use
	names    []string  // as people want to see them, main first
}

// buildStreams returns the streams for renditions. Those of earlier ones with the same name keep their number, topic and
// readers. A number that is free is given to another only when there are no more: a picture of the rendition that had it may be
// on its way.
func (c *Camera) buildStreams(renditions []camera.Rendition, previous []*stream) *streamSet {
	if previous == nil {
		previous = []*stream{c.newStream(camera.Rendition{Name: camera.Main})}
	}
	updated := &streamSet{byNumber: make([]*stream, len(previous)), names: []string{camera.Main}}
	updated.byNumber[0] = previous[0]
	for _, r := range renditions {
		updated.names = append(updated.names, r.Name)
		i := slices.IndexFunc(previous, func(s *stream) bool { return s != nil && s.Name == r.Name })
		if i >= 0 {
			updated.byNumber[i] = &stream{r, previous[i].topic, previous[i].published}
		}
	}
	for _, r := range renditions {
		if updated.indexOf(r.Name) >= 0 {
			continue
		}
		if free := slices.Index(updated.byNumber, nil); len(updated.byNumber) > options.MaxRenditions && free >= 0 {
			updated.byNumber[free] = c.newStream(r)
		} else {
			updated.byNumber = append(updated.byNumber, c.newStream(r))
		}
	}
	return updated
}

func (c *Camera) newStream(r camera.Rendition) *stream {
	return &stream{r, broker.NewTopic(c.opts.ID+"/"+r.Name, broker.Options{Linger: demandLinger, Demand: c.demandChanged, Budget: c.budget}), new(atomic.Uint64)}
}

// indexOf returns the number of a rendition, -1 if there is none of that name.
func (s *streamSet) indexOf(name string) int {
	return slices.IndexFunc(s.byNumber, func(st *stream) bool { return st != nil && st.Name == name })
}

// numbered returns the renditions beside main by number, from 1, as a capture process gets them. A number that is not in use has an empty one.
func (s *streamSet) numbered() (list []camera.Rendition) {
	for _, st := range s.byNumber[1:] {
		var r camera.Rendition
		if st != nil {
			r = st.Rendition
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
	if i := all.indexOf(cmp.Or(rendition, camera.Main)); i >= 0 {
		return all.byNumber[i].topic, true
	}
	return nil, false
}

// setRenditions makes the renditions those that are wanted now. Readers of one that goes come to its end; nobody else notices.
func (s *supervisor) setRenditions(renditions []camera.Rendition) {
	old, updated := s.streams.Load(), s.buildStreams(renditions, s.streams.Load().byNumber)
	s.streams.Store(updated)
	hasReaders := make([]bool, len(updated.byNumber))
	for i, was := range old.byNumber {
		switch {
		case was == nil:
		case updated.byNumber[i] == nil || updated.byNumber[i].topic != was.topic:
			was.topic.End()
			if s.worker != nil && s.hasReaders[i] {
				s.worker.send(wire.Demand{Rendition: uint8(i)})
			}
		default:
			hasReaders[i] = s.hasReaders[i]
		}
	}
	s.hasReaders, s.placeholders = hasReaders, nil
	s.updateStatus(func(st *camera.Status) { st.Renditions = renditions })
}

// endStreams lets all readers go.
func (s *supervisor) endStreams() {
	for _, st := range s.streams.Load().byNumber {
		if st != nil {
			st.topic.End()
		}
	}
}
