package source

import (
	"time"

	"camd/internal/rawcall"
	"camd/pkg/broker"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// feedTimeout is how long sendFrame waits for a decoder that takes no bytes. A decoder takes all frames at once and leaves out those that
// it has no time for, so this covers only a busy machine.
const feedTimeout = 5 * time.Second

// sendFrame sends a frame to a decoder. After an error, the worker gets no more messages, because it may have got a part of one.
func (w *worker) sendFrame(f *broker.Frame) error {
	w.commandMu.Lock()
	defer w.commandMu.Unlock()
	_ = w.commandPipe.SetWriteDeadline(time.Now().Add(feedTimeout))
	captured := toMonotonic(f.Captured)
	if f.Format.Codec == media.JPEG {
		return w.commandWriter.WriteFrame(wire.Frame{Captured: captured, Count: f.Seq}, f.Data)
	}
	return w.commandWriter.WriteVideoFrame(wire.VideoFrame{
		Captured: captured, Count: f.Seq, PTS: f.PTS, DTS: f.DTS, Key: f.Key, Disposable: f.Disposable, Leading: f.Leading,
	}, f.Wire)
}

// toMonotonic is the reverse of fromMonotonic.
func toMonotonic(t time.Time) int64 { return rawcall.MonotonicNow() - int64(time.Since(t)) }
