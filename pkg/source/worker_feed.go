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

// endFeedTimeout is how long the end of feeding waits for the message that is being written. A decoder that got a part of one
// gets no more messages.
const endFeedTimeout = 200 * time.Millisecond

// maxQueuedCommands is how many commands wait for the goroutine that feeds a decoder.
const maxQueuedCommands = 256

// feedPlan says what a decoder is fed with.
type feedPlan struct {
	topic   *broker.Topic
	isVideo bool // H.264 or H.265, which needs the frames since a keyframe
}

// startFeeding starts a goroutine that sends the frames of a topic to a worker. It begins with the newest group of pictures. Frames in front
// of the newest one are hidden: the worker makes no pictures of them. What follows is sent as feedKeyframesOnly and feedPeriod say. Until
// stop, commands go through this goroutine too, so that a worker that does not read never blocks the caller of send. The worker must have
// loaded, else its pipe fills. The caller must call stop.
func (w *worker) startFeeding(p feedPlan) (stop func()) {
	commands := make(chan wire.Message, maxQueuedCommands)
	w.queuedCommands = commands
	w.lastFed.Store(0)
	mode := broker.Latest
	if p.isVideo {
		mode = broker.Decodable
	}
	sub := p.topic.SubscribeEvery(mode, broker.Never)
	w.feedTarget.Store(p.topic.Published())
	w.feedFirst.Store(0)
	ctx, cancel := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	feeding.Go(func() {
		defer sub.Close()
		w.feed(ctx, commands, sub)
	})
	return func() {
		cancel() // before the deadline: beginWrite checks ctx after it has set another one
		_ = w.commandPipe.SetWriteDeadline(time.Now().Add(endFeedTimeout))
		feeding.Wait()
		w.queuedCommands = nil
		w.sendQueued(commands)
	}
}

// sendQueued sends the commands that the goroutine which has ended did not send: the supervisor does not repeat them.
func (w *worker) sendQueued(commands <-chan wire.Message) {
	m := w.unsentCommand
	w.unsentCommand = nil
	for !w.isCut {
		if m != nil {
			_ = w.commandPipe.SetWriteDeadline(time.Now().Add(endFeedTimeout))
			w.wrote(w.commandWriter.Write(m))
		}
		select {
		case m = <-commands:
		default:
			return
		}
	}
}

// hasCaughtUp reports whether a decoder that has decoded the frame with a number has caught up with the camera.
func (w *worker) hasCaughtUp(count uint64) bool { return count >= w.feedTarget.Load() }

// isOfThisFeed reports whether the frame with a number was sent since feeding began. A worker that was fed earlier may still have a picture.
func (w *worker) isOfThisFeed(count uint64) bool {
	first := w.feedFirst.Load()
	return first > 0 && count >= first
}

// feed sends commands and frames until ctx ends or the worker does not take them. The supervisor replaces such a worker, because it sends
// no pictures then.
func (w *worker) feed(ctx context.Context, commands <-chan wire.Message, sub *broker.Subscription) {
	f := feed{worker: w}
	for {
		updated := sub.Updated()
		var command wire.Message
		if frame := sub.TryNext(); frame != nil {
			if !frame.Placeholder && !f.feedFrame(ctx, frame) {
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
			w.unsentCommand = command
			return
		}
	}
}

// feed is the state of the goroutine that feeds a decoder.
type feed struct {
	*worker
	format    *broker.Format // of the newest frame of video
	hasNewest bool           // the frame that was the newest when feeding began was sent, or one after it
	captured  time.Time      // of the frame that was sent last
}

// feedFrame sends a frame, unless it is not needed.
func (f *feed) feedFrame(ctx context.Context, frame *broker.Frame) bool {
	if frame.Format.Codec == media.JPEG {
		return f.feedJPEG(ctx, frame)
	}
	keyframesOnly, target := f.feedKeyframesOnly.Load(), f.feedTarget.Load()
	if keyframesOnly && f.hasNewest && (!frame.Key || !f.isDue(frame)) {
		return true
	}
	f.hasNewest = f.hasNewest || frame.Seq >= target
	if frame.Format != f.format {
		f.noteFormat(frame.Format) // without Init: the parameter sets are also in front of each keyframe
		m := wire.VideoFormat{Codec: f.format.Codec, CodecString: f.format.CodecString, Width: f.format.Width, Height: f.format.Height}
		if !f.feedCommand(ctx, m) {
			return false
		}
	}
	f.noteFed(frame)
	return f.beginWrite(ctx) && f.wrote(f.commandWriter.WriteVideoFrame(wire.VideoFrame{
		Captured: toMonotonic(frame.Captured), Count: frame.Seq, PTS: frame.PTS, DTS: frame.DTS, Key: frame.Key, Disposable: frame.Disposable,
		Leading: frame.Leading, Hidden: frame.Seq < target, Last: frame.Seq >= target && keyframesOnly,
	}, frame.Wire))
}

// noteFormat records the format of the next frames.
func (f *feed) noteFormat(format *broker.Format) {
	f.format = format
	if before := f.fedFormat.Swap(format); before != nil && !isSameVideo(before, format) {
		f.fedFormats.Store(true)
	}
}

// isDue reports whether half of feedPeriod has passed since the frame before. A camera's times vary a little.
func (f *feed) isDue(frame *broker.Frame) bool {
	return frame.Captured.Sub(f.captured) >= time.Duration(f.feedPeriod.Load())/2
}

// noteFed records that a frame is about to be sent.
func (f *feed) noteFed(frame *broker.Frame) {
	f.captured = frame.Captured
	f.feedFirst.CompareAndSwap(0, frame.Seq)
	f.lastFed.Store(time.Now().UnixNano())
}

// feedJPEG sends a JPEG if it is due.
func (f *feed) feedJPEG(ctx context.Context, frame *broker.Frame) bool {
	if !f.isDue(frame) {
		return true
	}
	f.noteFed(frame)
	return f.beginWrite(ctx) && f.wrote(f.commandWriter.WriteFrame(wire.Frame{Captured: toMonotonic(frame.Captured), Count: frame.Seq}, frame.Data))
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
