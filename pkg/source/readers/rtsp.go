package readers

import (
	"context"
	"errors"

	"camd/pkg/media"
	"camd/pkg/media/h26x"
	"camd/pkg/source/rtsp"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// readRTSP reads an RTSP source until it ends or ctx does.
func (s *session) readRTSP(ctx context.Context, source sourceurl.Source, start wire.Start) wire.Ended {
	count := uint64(0)
	err := rtsp.Read(ctx, rtsp.Options{
		Source: source, Transport: start.Transport, TLS: start.TLS, Track: h26x.Options{MaxBytes: s.queue.limits.Bytes},
		OpenTimeout: start.OpenTimeout, ReadTimeout: start.ReadTimeout,
		OnOpened: func(i rtsp.Info) {
			s.queue.open(wire.Opened{Backend: "RTSP", Codec: string(i.Codec), Passthrough: true})
		},
		OnFrame: func(f *rtsp.Frame) {
			count++
			if s.beforeFrame != nil {
				s.beforeFrame(s.camera.ID, start.Source, count)
			}
			captured := toMonotonic(f.Arrived, f.Arrived.Round(0).Sub(f.Captured))
			if f.Unit != nil {
				s.queue.addVideo(f.Unit, captured, count)
				return
			}
			s.pictures.add(f.JPEG, captured, count)
		},
		OnDrop: func(cause string) { s.queue.addDrop(rtspCause(cause)) },
	})
	if e, ok := errors.AsType[*rtsp.Error](err); ok {
		return wire.Ended{Reason: string(e.Reason), Detail: e.Detail, Unsupported: e.NeedsDecoder}
	}
	return wire.Ended{} // camd asked for it
}

// rtspCause returns the cause of media.Causes for one of rtsp.Causes.
func rtspCause(cause string) string {
	switch cause {
	case rtsp.Lost:
		return media.Lost
	case rtsp.NoKeyframe:
		return media.NoKeyframe
	case h26x.TooLarge:
		return media.TooLarge
	}
	return media.Damaged
}
