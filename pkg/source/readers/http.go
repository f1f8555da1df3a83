package readers

import (
	"context"
	"errors"

	"camd/pkg/source/httpreader"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// readHTTP reads an HTTP source until it ends or ctx does.
func (s *session) readHTTP(ctx context.Context, source sourceurl.Source, start wire.Start) wire.Ended {
	count := uint64(0)
	err := httpreader.Read(ctx, httpreader.Options{
		Source: source, TLS: start.TLS, RedirectHosts: start.RedirectHosts, MaxBytes: s.queue.limits.Bytes, FPS: start.FPS,
		OpenTimeout: start.OpenTimeout, ReadTimeout: start.ReadTimeout,
		OnOpened: func(i httpreader.Info) {
			s.queue.open(wire.Opened{Backend: "HTTP", Codec: "mjpeg", Width: i.Width, Height: i.Height, FPS: i.FPS, Passthrough: true})
		},
		OnFrame: func(f *httpreader.Frame) {
			count++
			if s.beforeFrame != nil {
				s.beforeFrame(s.camera.ID, start.Source, count)
			}
			s.pictures.add(f.JPEG, toMonotonic(f.Captured, 0), count)
		},
		OnDrop: s.queue.addDroppedPicture,
	})
	if e, ok := errors.AsType[*httpreader.Error](err); ok {
		return wire.Ended{Reason: string(e.Reason), Detail: e.Detail, Unsupported: e.Unsupported}
	}
	return wire.Ended{} // camd asked for it
}
