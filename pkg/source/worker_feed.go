package source

import (
	"context"
	"sync"
	"time"

	"camd/internal/rawcall"
	"camd/pkg/broker"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// feedTimeout is how long a decoder may take no bytes before it gets nothing more. A decoder takes all frames at once and leaves out those
// that it has no time for, so this covers only a busy machine.
const feedTimeout = 5 * time.Second

// maxQueuedCommands is how many commands wait for the goroutine that feeds a decoder.
const maxQueuedCommands = 256

// startFeeding starts a goroutine that sends the frames of a topic to a worker. Until stop, commands go through this goroutine too, so that
// a worker that does not read never blocks the caller of send. The worker must have loaded, else its pipe fills. The caller must call stop.
func (w *worker) startFeeding(topic *broker.Topic, mode broker.Mode) (stop func()) {
	commands := make(chan wire.Message, maxQueuedCommands)
	w.queuedCommands = commands
	ctx, cancel := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	feeding.Go(func() { w.feed(ctx, commands, topic, mode) })
	return func() {
		cancel() // before the deadline: beginWrite checks ctx after it has set another one
		_ = w.commandPipe.SetWriteDeadline(time.Unix(1, 0))
		feeding.Wait()
		w.queuedCommands = nil
	}
}

// feed sends commands and frames until ctx ends or the worker does not take them. The supervisor replaces such a worker, because it sends
// no pictures then.
func (w *worker) feed(ctx context.Context, commands <-chan wire.Message, topic *broker.Topic, mode broker.Mode) {
	sub := topic.Subscribe(mode)
	defer sub.Close()
	var format *broker.Format
	for {
		updated := sub.Updated()
		var command wire.Message
		if f := sub.TryNext(); f != nil {
			if !f.Placeholder && !w.feedFrame(ctx, f, &format) {
				return
			}
			select {
			case command = <-commands:
			default:
			}
		} else {
			select {
			case command = <-commands:
			case <-updated:
			case <-sub.Ended():
				return
			case <-ctx.Done():
				return
			}
		}
		if command != nil && !w.feedCommand(ctx, command) {
			return
		}
	}
}

// feedFrame sends a frame, and its format if that is another one than format.
func (w *worker) feedFrame(ctx context.Context, f *broker.Frame, format **broker.Format) bool {
	captured := toMonotonic(f.Captured)
	w.isFed.Store(true)
	if f.Format.Codec == media.JPEG {
		return w.beginWrite(ctx) && w.wrote(w.commandWriter.WriteFrame(wire.Frame{Captured: captured, Count: f.Seq}, f.Data))
	}
	if f.Format != *format {
		*format = f.Format // without Init: the parameter sets are also in front of each keyframe
		m := wire.VideoFormat{Codec: f.Format.Codec, CodecString: f.Format.CodecString, Width: f.Format.Width, Height: f.Format.Height}
		if !w.feedCommand(ctx, m) {
			return false
		}
	}
	return w.beginWrite(ctx) && w.wrote(w.commandWriter.WriteVideoFrame(wire.VideoFrame{
		Captured: captured, Count: f.Seq, PTS: f.PTS, DTS: f.DTS, Key: f.Key, Disposable: f.Disposable, Leading: f.Leading,
	}, f.Wire))
}

func (w *worker) feedCommand(ctx context.Context, m wire.Message) bool {
	return w.beginWrite(ctx) && w.wrote(w.commandWriter.Write(m))
}

// beginWrite sets the deadline of the next write. It returns false if ctx has ended.
func (w *worker) beginWrite(ctx context.Context) bool {
	_ = w.commandPipe.SetWriteDeadline(time.Now().Add(feedTimeout))
	return ctx.Err() == nil
}

// wrote reports whether a write succeeded. After an error, the worker gets no more messages, because it may have got a part of one.
func (w *worker) wrote(err error) bool {
	w.isCut = err != nil
	return err == nil
}

// toMonotonic is the reverse of fromMonotonic.
func toMonotonic(t time.Time) int64 { return rawcall.MonotonicNow() - int64(time.Since(t)) }
