package source

import (
	"context"
	"errors"
	"time"

	"camd/pkg/broker"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// feedTimeout is how long sendFrame waits for a decoder that takes no bytes. A decoder takes all frames at once and leaves out those that
// it has no time for, so this covers only a busy machine. A test changes it.
var feedTimeout = 5 * time.Second

// cancelTimeout is how long sendFrame still waits after its context has ended. The supervisor waits as long when it stops the decoder.
const cancelTimeout = 100 * time.Millisecond

// errCutOff is the error of frames after one that was sent in part.
var errCutOff = errors.New("the decoder has taken a part of a frame")

// feed sends the frames of a topic to the worker, which decodes them, until ctx ends or the worker does not take them. The supervisor
// replaces such a worker, because it sends no pictures then.
func (w *worker) feed(ctx context.Context, topic *broker.Topic, mode broker.Mode) {
	stop := context.AfterFunc(ctx, func() { _ = w.commandPipe.SetWriteDeadline(time.Now().Add(cancelTimeout)) })
	defer stop()
	sub := topic.Subscribe(mode)
	defer sub.Close()
	var format *broker.Format
	for {
		f, err := sub.Next(ctx)
		if err != nil {
			return
		}
		if f.Placeholder {
			continue
		}
		if f.Format != format {
			if format = f.Format; format.Codec != media.JPEG {
				w.send(wire.VideoFormat{Codec: format.Codec, CodecString: format.CodecString, Width: format.Width, Height: format.Height, Init: format.Init})
			}
		}
		if err := w.sendFrame(ctx, f); err != nil {
			return
		}
	}
}

// sendFrame sends a frame to a decoder. After an error, the worker gets no more messages, because it may have got a part of one.
func (w *worker) sendFrame(ctx context.Context, f *broker.Frame) error {
	w.commandLock <- struct{}{} // it is held for commandTimeout at most
	defer func() { <-w.commandLock }()
	if w.isCutOff {
		return errCutOff
	}
	_ = w.commandPipe.SetWriteDeadline(time.Now().Add(feedTimeout))
	if err := ctx.Err(); err != nil { // after the deadline, which replaces that of the context
		return err
	}
	w.isFed.Store(true)
	err := w.writeFrame(f)
	w.isCutOff = err != nil
	return err
}

func (w *worker) writeFrame(f *broker.Frame) error {
	captured := toMonotonic(f.Captured)
	if f.Format.Codec == media.JPEG {
		return w.commandWriter.WriteFrame(wire.Frame{Captured: captured, Count: f.Seq}, f.Data)
	}
	return w.commandWriter.WriteVideoFrame(wire.VideoFrame{
		Captured: captured, Count: f.Seq, PTS: f.PTS, DTS: f.DTS, Key: f.Key, Disposable: f.Disposable, Leading: f.Leading,
	}, f.Wire)
}

// toMonotonic is the reverse of fromMonotonic.
func toMonotonic(t time.Time) int64 { return monotonicNow() - int64(time.Since(t)) }
