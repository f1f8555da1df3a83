package source

import (
	"fmt"
	"time"

	"camd/pkg/camera"
)

// handleDecoderEvent handles a picture of a decoder, or what it reports instead.
func (s *supervisor) handleDecoderEvent(d *decoder, e event) {
	switch e := e.(type) {
	case frameEvent:
		s.handleDecodedFrame(d, e)
	case heartbeatEvent: // for frames that give no picture
		if e.count != d.framesRead && d.lastFault.reason != camera.Frozen {
			d.noteDecoded(e.count)
		}
	case refusedEvent, workerRefusedEvent:
		s.countRefused(&d.workerSession, e)
	}
}

// noteDecoded records that the process has decoded the frame with a number. It is live when it has caught up with the camera.
func (d *decoder) noteDecoded(count uint64) {
	d.framesRead = count
	if d.endFeeding != nil && d.worker.hasCaughtUp(count) {
		d.releaseLoadingSlot()
		d.noteGoodFrame()
		return
	}
	d.lastProgress = time.Now()
}

// handleDecodedFrame publishes a picture of a decoder if the camera is live and somebody reads the rendition. A picture that is older
// than a stall is not shown as live: the decoder catches up, or is too slow.
func (s *supervisor) handleDecodedFrame(d *decoder, e frameEvent) {
	d.stats.pictures.Add(1)
	if s.State != camera.Live || e.rendition >= len(s.demands) || !s.demands[e.rendition].Wanted || s.decoderOf(e.rendition) != d {
		return
	}
	if d.endFeeding == nil || !d.worker.isOfThisFeed(e.count) { // from before its process was idle
		return
	}
	age := time.Since(e.frame.Captured)
	if age > s.stallTimeout() {
		d.lastFault = fault{camera.Timeout, fmt.Sprintf("pictures are decoded %v late: this machine is too slow for them", age.Round(time.Second))}
		return
	}
	if s.isDecodedFrozen(d, e) {
		return
	}
	if e.count > d.worker.feedTarget.Load() {
		s.opts.Observer.Decoded(s.decoderTrack(d), age)
	}
	d.noteDecoded(e.count)
	s.publishFrame(e)
}

// decoderTrack returns the name of the track that a decoder decodes.
func (s *supervisor) decoderTrack(d *decoder) string {
	switch {
	case d.isOfSub:
		return camera.Sub
	case s.isVideo():
		return camera.Video
	}
	return camera.Main
}

// isDecodedFrozen reports whether the camera repeats one picture, and shows that to the viewers of decoded pictures. It compares those of
// the first rendition of the decoder that has readers.
func (s *supervisor) isDecodedFrozen(d *decoder, e frameEvent) bool {
	if s.decoderTrack(d) == camera.Main { // handleFrame compares the pictures before they are decoded
		return false
	}
	if e.rendition != s.firstWanted(d) {
		return d.lastFault.reason == camera.Frozen
	}
	unchanged := d.freeze.observe(e.frame.Data, time.Now())
	if s.opts.FrozenTimeout <= 0 || unchanged < s.opts.FrozenTimeout {
		return false
	}
	d.lastFault = s.freezeFault()
	d.setState(camera.Stalled, d.lastFault.reason, d.lastFault.detail)
	return true
}

// firstWanted returns the first rendition of a decoder that has readers, or -1.
func (s *supervisor) firstWanted(d *decoder) int {
	for i := range s.demands {
		if s.demands[i].Frames && s.decoderOf(i) == d {
			return i
		}
	}
	return -1
}

// giveUpDecoding notes that FFmpeg cannot decode the format of the decoder's frames. No process is started for this format again until the
// camera is opened again. If the process got more than one format, another process finds out which of them it is.
func (s *supervisor) giveUpDecoding(d *decoder, end endedEvent) {
	format, isOnly := d.worker.fedFormat.Load(), !d.worker.fedFormats.Load()
	s.failSecondary(d.secondary, camera.Undecodable, end.detail)
	if format == nil || !isOnly {
		return
	}
	d.undecodable, d.retry = format, nil
	s.updateDecoders() // the other decoder may make the renditions
}
