package source

import (
	"errors"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// defaultDecoderLinger is how long the process of a decoder stays after its pictures were last wanted. Meanwhile it gets no frames. Loading
// OpenCV takes a fifth of a second of CPU time, so a process for each picture of a program that polls would cost more than decoding.
const defaultDecoderLinger = 30 * time.Second

// decoder makes JPEGs of one track: it is a capture process that camd feeds with frames. It runs only while somebody wants JPEGs that the
// worker which reads the camera does not deliver.
type decoder struct {
	*secondary
	isOfSub       bool // of the smaller stream; the other decoder is of what the camera's worker delivers
	stats         *decoderStats
	fed           feedPlan              // valid while endFeeding is not nil
	endFeeding    func()                // ends the goroutine that feeds the process; nil while none runs
	demands       map[uint8]wire.Demand // what the process was told
	unneededSince time.Time             // zero while pictures are wanted
	undecodable   *broker.Format        // the format that FFmpeg cannot decode; nil for none
	freeze        freezeDetector
}

func (s *supervisor) newDecoder(isOfSub bool, stats *decoderStats) *decoder {
	name := "decoder"
	if isOfSub {
		name = "decoder of the substream"
	}
	d := &decoder{secondary: newSecondary(name, &stats.usage), isOfSub: isOfSub, stats: stats}
	d.queue, d.quickRestarts = s.decodeQueue, newQuickRestarts()
	d.start = func() (*worker, error) { return s.startDecoder(d) }
	d.ready = func() { s.updateDecoder(d) }
	d.handle = func(e event) { s.handleDecoderEvent(d, e) }
	d.changed = func() { s.showDecoderState(d) }
	d.ending = d.stopFeeding
	return d
}

// decoderOf returns the decoder that makes a rendition, or nil if the worker that reads the camera delivers it.
func (s *supervisor) decoderOf(rendition int) *decoder {
	switch {
	case s.worker == nil || !s.opened:
		return nil
	case s.isMadeOfSub(rendition):
		return s.subDecoder
	case s.isVideo() || s.worker.isSession() && rendition > 0:
		return s.decoder
	}
	return nil
}

// isVideo reports whether the camera's worker passes on H.264 or H.265.
func (s *supervisor) isVideo() bool {
	return s.format.Passthrough && (s.format.Codec == "h264" || s.format.Codec == "h265") && s.tracks.Load().video != nil
}

// isMadeOfSub reports whether a rendition is made of the smaller stream: if that is large enough and shows the same section, because decoding
// it takes a fraction of the work. The rendition's Track says otherwise.
func (s *supervisor) isMadeOfSub(rendition int) bool {
	sub := s.tracks.Load().sub
	if rendition == 0 || sub == nil || s.substream.state.State != camera.Live {
		return false
	}
	f := sub.format.Load()
	r := s.streams.Load().byNumber[rendition]
	if r == nil || f == nil || s.subDecoder.cannotDecode(f) || r.Track == camera.Video {
		return false
	}
	return r.Track == camera.Sub || r.Width > 0 && f.Width >= r.Width && isSameShape(f.Width, f.Height, s.format.Width, s.format.Height)
}

// isSameShape reports whether the proportions of two pictures differ by 5 % at most.
func isSameShape(width, height, otherWidth, otherHeight int) bool {
	a, b := float64(width)*float64(otherHeight), float64(otherWidth)*float64(height)
	return a > 0 && b > 0 && a/b > 0.95 && a/b < 1/0.95
}

// framesFor returns the topic of a decoder's frames and their format, nil if there are none. A topic of JPEGs has no format.
func (s *supervisor) framesFor(d *decoder) (*broker.Topic, *broker.Format) {
	tracks := s.tracks.Load()
	switch {
	case s.worker == nil || !s.hasFrame:
	case d.isOfSub && tracks.sub != nil && s.substream.state.State == camera.Live:
		return tracks.sub.topic, tracks.sub.format.Load()
	case d.isOfSub:
	case s.isVideo():
		return tracks.video.topic, tracks.video.format.Load()
	default:
		return s.mainTopic(), nil
	}
	return nil, nil
}

// cannotDecode reports whether FFmpeg could not decode this format.
func (d *decoder) cannotDecode(f *broker.Format) bool {
	return d.undecodable != nil && f != nil && isSameVideo(d.undecodable, f)
}

// isSameVideo reports whether a decoder takes two formats for one.
func isSameVideo(a, b *broker.Format) bool {
	return a.Codec == b.Codec && a.CodecString == b.CodecString && a.Width == b.Width && a.Height == b.Height
}

// forgetUndecodable makes a decoder try again that has given up: its frames have another format now.
func (d *decoder) forgetUndecodable() {
	hadGivenUp := d.hasGivenUp()
	d.undecodable = nil
	if hadGivenUp {
		d.setState(camera.Idle, camera.None, "")
	}
}

// hasGivenUp reports whether a decoder waits for another format.
func (d *decoder) hasGivenUp() bool {
	return d.undecodable != nil && d.worker == nil && d.queuedSlot == nil && d.retry == nil
}

// startDecoder starts the process.
func (s *supervisor) startDecoder(d *decoder) (*worker, error) {
	start := s.startMessage()
	start.Source, start.User, start.Password, start.Controls, start.Decode = "", "", "", nil, true
	w, err := startWorker(s.opts.WorkerPath, start, s.log)
	if err != nil {
		return nil, errors.New(startErrorDetail(s.opts.WorkerPath, err))
	}
	d.demands = map[uint8]wire.Demand{}
	return w, nil
}

// stopDecoders ends the processes of both decoders, and forgets which formats cannot be decoded.
func (s *supervisor) stopDecoders() {
	for _, d := range s.decoders() {
		d.undecodable = nil
		s.stopSecondary(d.secondary)
	}
}

func (s *supervisor) decoders() []*decoder { return []*decoder{s.decoder, s.subDecoder} }

// showDecoderState shows the viewers of decoded pictures why there are none, if the decoder has failed.
func (s *supervisor) showDecoderState(d *decoder) {
	s.placeholders = nil
	s.setDecoderState(d.stats, d.state)
	s.recordStreams()
	if s.State == camera.Live && !s.isDecoderLive(d) {
		s.publishPlaceholder(time.Now())
	}
}

// isDecoderLive reports whether the pictures of the decoder can be shown as live. While it starts, viewers keep the picture that they have:
// it takes about a second.
func (s *supervisor) isDecoderLive(d *decoder) bool {
	switch d.state.State {
	case camera.Live, camera.Idle:
		return true
	case camera.Starting:
		return time.Since(d.state.Since) <= s.stallTimeout()
	}
	return false
}

// handleDecoderMessage handles an event of the decoder's process. ok is false when the process has ended.
func (s *supervisor) handleDecoderMessage(d *decoder, e event, ok bool) {
	if end, isEnd := e.(endedEvent); isEnd && end.unsupported {
		s.giveUpDecoding(d, s.knownEnd(end))
		return
	}
	s.handleSecondaryEvent(d.secondary, e, ok)
}

// retryDecoder starts the process again after a failure, if its pictures are still wanted.
func (s *supervisor) retryDecoder(d *decoder) {
	d.retry = nil
	if needed, _ := s.neededPictures(d); needed {
		s.openSecondary(d.secondary)
		return
	}
	s.stopSecondary(d.secondary)
}

// isPictureDue reports whether a decoder got a frame after its newest picture. A camera may send a frame a minute, and a decoder gets none
// before the next keyframe if the ring does not hold the newest one.
func (s *supervisor) isPictureDue(d *decoder) bool {
	return s.State == camera.Live && d.endFeeding != nil && d.worker.lastFed.Load() > d.lastProgress.UnixNano()
}
