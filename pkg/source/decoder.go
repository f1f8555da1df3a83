package source

import (
	"errors"
	"slices"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// initDecoder prepares the decoder: a capture process that makes the JPEGs that the worker which reads the camera does not deliver. camd
// feeds it with the frames of the camera. It runs only while somebody wants such JPEGs.
func (s *supervisor) initDecoder() {
	s.decoder = newSecondary("decoder", &s.decoderUsage)
	s.decoder.loadsOpenCV = true
	s.decoder.start = s.startDecoder
	s.decoder.ready = s.feedDecoder
	s.decoder.handle = s.handleDecoderEvent
	s.decoder.changed = s.showDecoderState
	s.decoder.ending = s.stopFeeding
}

// isDecoded reports whether the decoder makes a rendition, because the worker that reads the camera does not deliver it.
func (s *supervisor) isDecoded(rendition int) bool {
	return s.worker != nil && s.opened && (s.isVideo() || s.worker.isSession() && rendition > 0)
}

// isVideo reports whether the camera's worker passes on H.264 or H.265.
func (s *supervisor) isVideo() bool {
	return s.format.Passthrough && (s.format.Codec == "h264" || s.format.Codec == "h265") && s.tracks.Load().video != nil
}

// updateDecoder starts the decoder when a rendition that it makes has readers, and stops it when none has.
func (s *supervisor) updateDecoder() {
	wanted := false
	for i, hasReaders := range s.hasReaders {
		wanted = wanted || hasReaders && s.isDecoded(i)
	}
	wanted = wanted && s.hasFrame
	s.runSecondary(s.decoder, wanted)
	if !wanted && s.State == camera.Live { // else they hold the placeholder
		s.expireDecoded()
	}
}

// expireDecoded hides the pictures of the decoder from viewers that come later.
func (s *supervisor) expireDecoded() {
	for i, st := range s.streams.Load().byNumber {
		if st != nil && s.isDecoded(i) {
			if f := st.topic.Newest(); f != nil {
				st.topic.Expire()
			}
		}
	}
}

// startDecoder starts the process.
func (s *supervisor) startDecoder() (*worker, error) {
	start := s.startMessage()
	start.Source, start.User, start.Password, start.Controls, start.Decode = "", "", "", nil, true
	w, err := startWorker(s.opts.WorkerPath, start, s.log)
	if err != nil {
		return nil, errors.New(startErrorDetail(s.opts.WorkerPath, err))
	}
	for i, wanted := range s.hasReaders {
		if wanted && s.isDecoded(i) {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
	return w, nil
}

// feedDecoder starts to send the camera's frames to the decoder, which has loaded. Earlier, its pipe would fill and then hold old frames.
func (s *supervisor) feedDecoder() {
	topic, mode := s.mainTopic(), broker.Latest
	if s.isVideo() {
		topic, mode = s.tracks.Load().video.topic, broker.Decodable
	}
	s.endFeeding = s.decoder.worker.startFeeding(topic, mode)
}

func (s *supervisor) stopFeeding() {
	if s.endFeeding != nil {
		s.endFeeding()
		s.endFeeding = nil
	}
}

// isDecoderFed reports whether the decoder should be sending pictures. It gets no frame before the next keyframe if the ring does not hold
// the newest one.
func (s *supervisor) isDecoderFed() bool {
	hasNewFrames := s.lastProgress.After(s.decoder.lastProgress)
	return s.State == camera.Live && hasNewFrames && s.decoder.worker != nil && s.decoder.worker.isFed.Load()
}

// handleDecoderEvent handles a picture of the decoder, or what it reports instead.
func (s *supervisor) handleDecoderEvent(e event) {
	switch e := e.(type) {
	case frameEvent:
		s.handleDecodedFrame(e)
	case heartbeatEvent: // for pictures that no rendition needs
		if e.count > s.decoder.framesRead && s.decoder.lastFault.reason != camera.Frozen {
			s.decoder.framesRead = e.count
			s.decoder.noteGoodFrame()
		}
	case refusedEvent, workerRefusedEvent:
		s.countRefused(&s.decoder.workerSession, e)
	}
}

// handleDecodedFrame publishes a picture of the decoder if the camera is live and somebody reads the rendition. A picture that is older
// than a stall is not shown as live: the decoder catches up, or is too slow.
func (s *supervisor) handleDecodedFrame(e frameEvent) {
	x := s.decoder
	x.framesRead = max(x.framesRead, e.count)
	if s.State != camera.Live || e.rendition >= len(s.hasReaders) || !s.hasReaders[e.rendition] || !s.isDecoded(e.rendition) {
		return
	}
	if time.Since(e.frame.Captured) > s.stallTimeout() || s.isDecodedFrozen(e) {
		return
	}
	x.noteGoodFrame()
	s.publishFrame(e)
}

// isDecodedFrozen reports whether the camera repeats one picture, and shows that to the viewers of decoded pictures. It compares those of
// the first rendition that has readers.
func (s *supervisor) isDecodedFrozen(e frameEvent) bool {
	x := s.decoder
	if !s.isVideo() { // handleFrame compares the pictures before they are decoded
		return false
	}
	if e.rendition != slices.Index(s.hasReaders, true) {
		return x.lastFault.reason == camera.Frozen
	}
	unchanged := s.decodedFreeze.observe(e.frame.Data, time.Now())
	if s.opts.FrozenTimeout <= 0 || unchanged < s.opts.FrozenTimeout {
		return false
	}
	x.lastFault = s.freezeFault()
	x.setState(camera.Stalled, x.lastFault.reason, x.lastFault.detail)
	return true
}

// showDecoderState shows the viewers of decoded pictures why there are none, if the decoder has failed.
func (s *supervisor) showDecoderState() {
	s.placeholders = nil
	s.setDecoderState(s.decoder.state)
	if s.State == camera.Live && !s.isDecoderLive() {
		s.publishPlaceholder(time.Now())
	}
}

// isDecoderLive reports whether the pictures of the decoder can be shown as live. While it starts, viewers keep the picture that they have:
// it takes about a second.
func (s *supervisor) isDecoderLive() bool {
	switch d := s.decoder.state; d.State {
	case camera.Live, camera.Idle:
		return true
	case camera.Starting:
		return time.Since(d.Since) <= s.stallTimeout()
	}
	return false
}
