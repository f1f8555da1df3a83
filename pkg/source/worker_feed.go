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
	ctx, cancel := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	feeding.Go(func() {
		defer sub.Close()
		w.feed(ctx, commands, sub)
	})
	return func() {
		cancel() // before the deadline: beginWrite checks ctx after it has set another one
		_ = w.commandPipe.SetWriteDeadline(time.Unix(1, 0))
		feeding.Wait()
		w.queuedCommands = nil
	}
}

// hasCaughtUp reports whether a decoder that has decoded the frame with a number has caught up with the camera.
func (w *worker) hasCaughtUp(count uint64) bool { return count >= w.feedTarget.Load() }

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
			return
		}
	}
}

// feed is the state of the goroutine that feeds a decoder.
type feed struct {
	*worker
	format *broker.Format // of the newest frame of video
	next   time.Time      // capture time from which the next JPEG is due
}

// feedFrame sends a frame, unless it is not needed.
func (f *feed) feedFrame(ctx context.Context, frame *broker.Frame) bool {
	if frame.Format.Codec == media.JPEG {
		return f.feedJPEG(ctx, frame)
	}
	if frame.Seq > f.feedTarget.Load() && !frame.Key && f.feedKeyframesOnly.Load() {
		return true
	}
	if frame.Format != f.format {
		f.format = frame.Format // without Init: the parameter sets are also in front of each keyframe
		m := wire.VideoFormat{Codec: f.format.Codec, CodecString: f.format.CodecString, Width: f.format.Width, Height: f.format.Height}
		if !f.feedCommand(ctx, m) {
			return false
		}
	}
	f.lastFed.Store(time.Now().UnixNano())
	return f.beginWrite(ctx) && f.wrote(f.commandWriter.WriteVideoFrame(wire.VideoFrame{
		Captured: toMonotonic(frame.Captured), Count: frame.Seq, PTS: frame.PTS, DTS: frame.DTS, Key: frame.Key, Disposable: frame.Disposable,
		Leading: frame.Leading, Hidden: frame.Seq < f.feedTarget.Load(),
	}, frame.Wire))
}

// feedJPEG sends a JPEG if feedPeriod has passed since the one before. A camera's times vary a little.
func (f *feed) feedJPEG(ctx context.Context, frame *broker.Frame) bool {
	period := time.Duration(f.feedPeriod.Load()) / 2
	if frame.Captured.Before(f.next) {
		return true
	}
	f.next = frame.Captured.Add(period)
	f.lastFed.Store(time.Now().UnixNano())
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
