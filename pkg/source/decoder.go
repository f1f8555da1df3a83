package source

import (
	"context"
	"sync"
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
	s.decoder.handle = s.handleDecoderEvent
	s.decoder.changed = s.showDecoderState
	s.decoder.ending = func() { s.stopFeeding() }
	s.stopFeeding = func() {}
}

// isDecoded reports whether the decoder makes a rendition, because the worker that reads the camera does not deliver it.
func (s *supervisor) isDecoded(rendition int) bool {
	return s.opened && (s.isVideo() || s.worker != nil && s.worker.isSession() && rendition > 0)
}

// isVideo reports whether the camera's worker passes on H.264 or H.265. A worker may say so of a camera that can have no video.
func (s *supervisor) isVideo() bool {
	return s.tracks.Load().video != nil && s.format.Passthrough && (s.format.Codec == "h264" || s.format.Codec == "h265")
}

// updateDecoder starts the decoder when a rendition that it makes has readers, and stops it when none has.
func (s *supervisor) updateDecoder() {
	wanted := false
	for i, hasReaders := range s.hasReaders {
		wanted = wanted || hasReaders && s.isDecoded(i)
	}
	wanted = wanted && s.worker != nil && s.hasFrame
	s.runSecondary(s.decoder, wanted)
	if !wanted {
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

// startDecoder starts the process and the goroutine that feeds it.
func (s *supervisor) startDecoder() (*worker, error) {
	start := s.startMessage()
	start.Source, start.User, start.Password, start.Controls, start.Decode = "", "", "", nil, true
	w, err := startWorker(s.opts.WorkerPath, start, s.log)
	if err != nil {
		return nil, err
	}
	for i, wanted := range s.hasReaders {
		if wanted && s.isDecoded(i) {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
	topic, mode := s.mainTopic(), broker.Latest
	if s.isVideo() {
		topic, mode = s.tracks.Load().video.topic, broker.Decodable
	}
	ctx, cancel := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	feeding.Go(func() { w.feed(ctx, topic, mode) })
	s.stopFeeding = func() { cancel(); feeding.Wait() }
	return w, nil
}

// isDecoderFed reports whether the decoder should be sending pictures. It gets no frame before the next keyframe if the ring does not hold
// the newest one.
func (s *supervisor) isDecoderFed() bool {
	return s.State == camera.Live && s.decoder.worker != nil && s.decoder.worker.isFed.Load()
}

// handleDecoderEvent handles a picture of the decoder, or what it reports instead.
func (s *supervisor) handleDecoderEvent(e event) {
	switch e := e.(type) {
	case frameEvent:
		if s.State != camera.Live || e.rendition >= len(s.hasReaders) || !s.hasReaders[e.rendition] || !s.isDecoded(e.rendition) {
			return
		}
		s.decoder.noteGoodFrame()
		s.publishFrame(e)
	case refusedEvent:
		s.refused[e.err.Cause].Add(1)
	case workerRefusedEvent:
		for cause, n := range e.counts {
			s.refused[cause].Add(n)
		}
	}
}

// showDecoderState shows the viewers of decoded pictures why there are none, if the decoder has failed. While it starts, they keep the
// picture that they have: it takes about a second.
func (s *supervisor) showDecoderState() {
	s.placeholders = nil
	if s.decoder.state.State == camera.Offline {
		s.publishPlaceholder(time.Now())
	}
}
