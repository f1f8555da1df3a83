package readers

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// Bounds of a queue. Only what camd has not read yet is in it, which is usually nothing.
const (
	maxQueuedFrames = 256
	maxQueuedBytes  = 8 << 20 // a frame that is larger fits if the queue is empty
	maxInit         = 32 << 10
	maxSpareBytes   = 256 << 10              // of a buffer that is used again: more than most frames have
	refusedInterval = 250 * time.Millisecond // between two messages Refused
)

// queue holds a session's messages until they are written. Its methods are safe for concurrent use. None waits, except send.
type queue struct {
	limits media.Limits
	fail   func(wire.Ended) // ends the session
	ready  chan struct{}    // has a token when send may have something to do

	mu          sync.Mutex
	messages    []message
	frames      int // in messages
	bytes       int // of these frames
	format      *h26x.Format
	spare       []byte // for the next frame; nil if there is none
	waitsForKey bool   // a frame was left out, so frames are left out up to the next keyframe
	afterGap    bool   // leading frames are left out up to the next keyframe, because they refer to what was left out
	refused     map[string]uint64
	details     wire.Refused // of the refused pictures, without their number
	refusedAt   time.Time    // when Refused was sent last
	isDiscarded bool
	ended       *wire.Ended
}

// message is a message with the bytes that follow it.
type message struct {
	wire.Message
	data []byte
}

func newQueue(limits media.Limits) *queue {
	return &queue{limits: limits, ready: make(chan struct{}, 1), refused: map[string]uint64{}, fail: func(wire.Ended) {}}
}

// open adds that the source is open.
func (q *queue) open(m wire.Opened) { q.add(message{Message: m}) }

// end adds the last message.
func (q *queue) end(m wire.Ended) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = &m
	q.wake()
}

// discard drops all frames in the queue, and those that come.
func (q *queue) discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages, q.frames, q.bytes, q.isDiscarded = nil, 0, 0, true
}

func (q *queue) add(m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.addLocked(m)
}

func (q *queue) addLocked(m message) {
	if q.isDiscarded {
		return
	}
	q.messages = append(q.messages, m)
	if m.data != nil {
		q.frames++
		q.bytes += len(m.data)
	}
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// hasRoom reports whether a frame of n bytes fits.
func (q *queue) hasRoom(n int) bool {
	return q.frames == 0 || q.frames < maxQueuedFrames && q.bytes+n <= maxQueuedBytes
}

// addJPEG adds a copy of a picture.
func (q *queue) addJPEG(jpeg []byte, captured int64, count uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(jpeg) > q.limits.Bytes:
		q.refuse(media.TooLarge)
	case !q.hasRoom(len(jpeg)):
		q.refuse(media.Lost)
	default:
		q.addLocked(message{wire.Frame{Captured: captured, Count: count}, append(q.takeSpare(), jpeg...)})
	}
}

// addVideo adds a frame, and its format if that is another one.
func (q *queue) addVideo(u *h26x.AccessUnit, captured int64, count uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cause := q.leavesOut(u); cause != "" {
		q.refuse(cause)
		return
	}
	if u.Format != q.format && !q.addFormat(u.Format) {
		return
	}
	q.addLocked(message{
		wire.VideoFrame{Captured: captured, Count: count, PTS: u.PTS, DTS: u.DTS, Key: u.Key, Disposable: u.Disposable, Leading: u.Leading},
		fmp4.AppendFragment(q.takeSpare(), u),
	})
}

// leavesOut returns the cause for which a frame is left out, or "". A frame that nothing refers to costs no others.
func (q *queue) leavesOut(u *h26x.AccessUnit) (cause string) {
	switch size := u.Size(); {
	case size > q.limits.Bytes:
		cause = media.TooLarge
	case q.waitsForKey && !u.Key, u.Leading && q.afterGap, !q.hasRoom(size + fmp4.HeadSize):
		cause = media.Lost
	}
	switch {
	case cause == "" && u.Key:
		q.waitsForKey, q.afterGap = false, q.waitsForKey
	case cause == "" || u.Disposable:
	case u.Leading:
		q.afterGap = true
	default:
		q.waitsForKey = true
	}
	return cause
}

// takeSpare returns an empty buffer, or nil.
func (q *queue) takeSpare() []byte {
	b := q.spare
	q.spare = nil
	return b
}

// keepSpare takes a buffer that is not needed any more.
func (q *queue) keepSpare(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(b) <= maxSpareBytes && cap(b) > cap(q.spare) {
		q.spare = b[:0]
	}
}

// addFormat adds a format. If it is too large, the session ends.
func (q *queue) addFormat(f *h26x.Format) bool {
	m := wire.VideoFormat{Codec: string(f.Codec), CodecString: f.CodecString, Width: f.Width, Height: f.Height, Init: fmp4.NewInit(f)}
	if len(m.Init) > maxInit {
		q.fail(wire.Ended{Reason: string(camera.BadStream), Detail: fmt.Sprintf("the camera's parameter sets have more than %d KiB", maxInit>>10), Unsupported: true})
		return false
	}
	q.format = f
	q.addLocked(message{Message: m})
	return true
}

// addDrop counts a frame that was left out for one of media.Causes.
func (q *queue) addDrop(cause string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuse(cause)
}

// addDroppedPicture counts a JPEG that was left out for one of media.Causes. size is that of a picture that is too large, else 0.
func (q *queue) addDroppedPicture(cause string, size int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if size > 0 {
		q.details.Size = size
	}
	q.refuse(cause)
}

// addDamage counts a JPEG that was decoded and is damaged.
func (q *queue) addDamage(cause, detail string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.details.Cause, q.details.Detail = cause, detail
	q.refuse(cause)
}

// addHeartbeat adds a heartbeat, unless camd has not read the messages before it.
func (q *queue) addHeartbeat(m wire.Heartbeat) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		q.addLocked(message{Message: m})
	}
}

func (q *queue) refuse(cause string) {
	if len(q.refused) == 0 {
		q.wake()
	}
	q.refused[cause]++
}

// send writes the messages until the last one, or until writing fails.
func (q *queue) send(out *wire.Writer) error {
	for {
		m, wait := q.take(time.Now())
		if m.Message != nil {
			if err := write(out, m); err != nil {
				return err
			}
			q.keepSpare(m.data)
			if _, isLast := m.Message.(wire.Ended); isLast {
				return nil
			}
			continue
		}
		var timeout <-chan time.Time
		if wait > 0 {
			timeout = time.After(wait)
		}
		select {
		case <-q.ready:
		case <-timeout:
		}
	}
}

// take removes the next message. If there is none, Message is nil, and wait is the time until the next Refused, 0 if none is due.
func (q *queue) take(now time.Time) (m message, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.refused) > 0 {
		if wait = refusedInterval - now.Sub(q.refusedAt); wait <= 0 || q.ended != nil {
			q.details.Pictures = maps.Clone(q.refused)
			m.Message, q.details = q.details, wire.Refused{}
			clear(q.refused)
			q.refusedAt = now
			return m, 0
		}
	}
	if len(q.messages) > 0 {
		m = q.messages[0]
		q.messages[0] = message{}
		if q.messages = q.messages[1:]; len(q.messages) == 0 {
			q.messages = nil
		}
		if m.data != nil {
			q.frames--
			q.bytes -= len(m.data)
		}
		return m, 0
	}
	if q.ended != nil {
		m.Message = *q.ended
	}
	return m, wait
}

func write(out *wire.Writer, m message) error {
	switch header := m.Message.(type) {
	case wire.Frame:
		return out.WriteFrame(header, m.data)
	case wire.VideoFrame:
		return out.WriteVideoFrame(header, m.data)
	}
	return out.Write(m.Message)
}
