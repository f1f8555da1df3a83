package source

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// staleAfter is the age from which a picture of a rendition that is not being made is hidden from readers that come later.
const staleAfter = 2 * time.Second

// updateDecoders starts, feeds and stops the decoders as the demand for their pictures requires.
func (s *supervisor) updateDecoders() {
	for _, d := range s.decoders() {
		s.updateDecoder(d)
	}
	s.hideStalePictures()
	s.recordStreams()
}

// updateDecoder does that for one decoder.
func (s *supervisor) updateDecoder(d *decoder) {
	needed, period := s.neededPictures(d)
	topic, format := s.framesFor(d)
	if format != nil && !d.cannotDecode(format) {
		d.forgetUndecodable()
	}
	if d.worker != nil && d.endFeeding == nil && d.worker.isCut {
		s.stopSecondary(d.secondary)
	}
	switch {
	case topic == nil || !needed || d.cannotDecode(format):
		s.setDecoderIdle(d)
	case d.worker == nil:
		d.unneededSince = time.Time{}
		s.runSecondary(d.secondary, true)
	default:
		d.unneededSince = time.Time{}
		s.sendDemands(d) // before the frames: the next one after the newest may come much later
		s.feedDecoder(d, feedPlan{topic: topic, isVideo: format != nil}, period)
	}
	s.sendDemands(d)
}

// setDecoderIdle stops feeding a decoder. Its process ends when it was not needed for decoderLinger.
func (s *supervisor) setDecoderIdle(d *decoder) {
	if d.unneededSince.IsZero() {
		d.unneededSince = time.Now()
	}
	d.stopFeeding()
	d.releaseSlots()
	switch {
	case d.retry != nil: // so that the next reader does not start it before the backoff is over
	case d.worker == nil || s.State != camera.Live || time.Since(d.unneededSince) >= s.decoderLinger || d.isOfSub && s.tracks.Load().sub == nil:
		if !d.hasGivenUp() {
			s.stopSecondary(d.secondary)
		}
	case d.state.State != camera.Idle:
		d.setState(camera.Idle, camera.None, "")
	}
}

// feedDecoder feeds a decoder whose process runs. To begin, it waits for a slot, because decoding a group of pictures at once takes a
// processor for up to a second.
func (s *supervisor) feedDecoder(d *decoder, plan feedPlan, period time.Duration) {
	if d.state.State == camera.Idle {
		d.setState(camera.Starting, camera.None, "")
	}
	if !d.loaded { // its pipe would fill and then hold old frames
		return
	}
	keyframesOnly := plan.isVideo && s.keyframesSuffice(d, period)
	if d.endFeeding != nil && (d.fed.topic != plan.topic || d.worker.feedKeyframesOnly.Load() && !keyframesOnly) { // begin again at the newest keyframe
		d.stopFeeding()
		d.setState(camera.Starting, camera.None, "") // it may wait for its slot or for a keyframe
	}
	d.worker.feedKeyframesOnly.Store(keyframesOnly)
	d.worker.feedPeriod.Store(int64(period))
	if d.endFeeding == nil {
		s.beginFeeding(d, plan)
	}
}

// beginFeeding feeds a decoder if it has a slot, or needs none because there is nothing to catch up with before the next keyframe. Else it
// joins the queue.
func (s *supervisor) beginFeeding(d *decoder, plan feedPlan) {
	mustWait := plan.isVideo && !plan.topic.Joinable()
	switch {
	case mustWait || d.loadingSlot != nil:
		d.fed = plan
		d.endFeeding = d.worker.startFeeding(plan)
		d.lastProgress = time.Now()
		if mustWait {
			d.releaseSlots()
		}
	case d.queuedSlot == nil:
		d.queuedSlot = d.queue.join()
	}
}

func (d *decoder) stopFeeding() {
	if d.endFeeding != nil {
		d.endFeeding()
		d.endFeeding = nil
	}
}

// releaseSlots gives back the slot of a decoder that runs, or its place in the queue. A process that loads OpenCV keeps its slot.
func (d *decoder) releaseSlots() {
	if d.worker != nil && d.loaded {
		d.queuedSlot.release()
		d.queuedSlot = nil
		d.releaseLoadingSlot()
	}
}

// sendDemands tells the process of a decoder which renditions to make, as far as it does not know.
func (s *supervisor) sendDemands(d *decoder) {
	if d.worker == nil {
		return
	}
	for i, st := range s.streams.Load().byNumber {
		m := wire.Demand{Rendition: uint8(i)}
		if st != nil && s.decoderOf(i) == d && s.demands[i].Frames {
			m = s.demandMessage(i)
		}
		if before := d.demands[m.Rendition]; m.Wanted != before.Wanted || m.Period != before.Period {
			d.demands[m.Rendition] = m
			d.worker.send(m)
		}
	}
}

// demandMessage returns the message that tells a worker what the readers of a rendition want. Viewers choose among the pictures by a rate
// of their own, so they get twice as many.
func (s *supervisor) demandMessage(rendition int) wire.Demand {
	d := s.demands[rendition]
	return wire.Demand{Rendition: uint8(rendition), Wanted: d.Frames, Period: d.Period / 2}
}

// hideStalePictures hides the pictures of renditions that nobody wants now from readers that come later. Those of a snapshot can be used
// again for a short time. The placeholder of a camera or decoder that is not live stays.
func (s *supervisor) hideStalePictures() {
	if s.State != camera.Live {
		return
	}
	for i, st := range s.streams.Load().byNumber {
		if st == nil || s.demands[i].Frames || i == 0 && s.decoderOf(0) == nil { // a worker sends one picture of main a second without demand
			continue
		}
		if f := st.topic.Newest(); f != nil && s.shownState(i).State == camera.Live && (!s.demands[i].Wanted || isStale(f)) {
			st.topic.Expire()
		}
	}
}

func isStale(f *broker.Frame) bool { return f.Placeholder || time.Since(f.Captured) > staleAfter }

// expireDecoded hides the pictures of all decoders from readers that come later.
func (s *supervisor) expireDecoded() {
	for i, st := range s.streams.Load().byNumber {
		if st != nil && s.decoderOf(i) != nil && st.topic.Newest() != nil {
			st.topic.Expire()
		}
	}
}
