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

// stream is one rendition of a camera, and the topic on which it is published.
type stream struct {
	camera.Rendition // for main, only Name is set
	topic            *broker.Topic
	published        *atomic.Uint64
}

// streamSet holds all streams of a camera. It is immutable: changes replace the whole set.
type streamSet struct {
	byNumber []*stream // by the rendition's number in package wire; main is 0, and an unused number has nil
	names    []string  // main first, then the others as configured
}

// buildStreams returns the streams for main and the renditions. A stream of previous with the same name keeps its number, topic and
// readers. A number that has become free is used again only when no unused one is left: a picture of its old rendition may still
// arrive.
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

// indexOf returns the number of the rendition with a name, or -1 if there is none.
func (s *streamSet) indexOf(name string) int {
	return slices.IndexFunc(s.byNumber, func(st *stream) bool { return st != nil && st.Name == name })
}

// numbered returns the renditions beside main by number, from 1 on, as a capture process gets them. An unused number has an empty
// rendition.
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

// Renditions returns the names of the camera's renditions, main first.
func (c *Camera) Renditions() []string { return slices.Clone(c.streams.Load().names) }

// Topic returns the topic of a rendition; an empty name means main. It returns false if the camera has no such rendition.
func (c *Camera) Topic(rendition string) (*broker.Topic, bool) {
	all := c.streams.Load()
	if i := all.indexOf(cmp.Or(rendition, camera.Main)); i >= 0 {
		return all.byNumber[i].topic, true
	}
	return nil, false
}

// setRenditions replaces the renditions. The topics of removed renditions end; readers of the others notice nothing.
func (s *supervisor) setRenditions(renditions []camera.Rendition) {
	old, updated := s.streams.Load(), s.buildStreams(renditions, s.streams.Load().byNumber)
	s.streams.Store(updated)
	demands := make([]broker.Demand, len(updated.byNumber))
	for i, was := range old.byNumber {
		switch {
		case was == nil:
		case updated.byNumber[i] == nil || updated.byNumber[i].topic != was.topic:
			was.topic.End()
			if s.worker != nil && s.demands[i].Frames && s.decoderOf(i) == nil {
				s.worker.send(wire.Demand{Rendition: uint8(i)})
			}
		default:
			demands[i] = s.demands[i]
		}
	}
	s.demands, s.placeholders = demands, nil
	s.updateStatus(func(st *camera.Status) { st.Renditions = renditions })
}

// endStreams ends all topics, so that their readers get broker.ErrEnded.
func (s *supervisor) endStreams() {
	for _, st := range s.streams.Load().byNumber {
		if st != nil {
			st.topic.End()
		}
	}
	for _, t := range s.tracks.Load().all() {
		t.topic.End()
	}
}
