package source

import (
	"slices"
	"sync/atomic"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// track is a stream of H.264 or H.265 that a camera passes on as it comes, and the topic on which it is published. The supervisor
// publishes. Any goroutine may read the counters.
type track struct {
	name  string
	topic *broker.Topic

	frames, keyframes, bytes atomic.Uint64
	format                   atomic.Pointer[broker.Format]      // of the newest frame; nil before the first
	keyframeInterval         atomic.Int64                       // nanoseconds between the newest two keyframes; 0 before the second
	lastFrame                atomic.Int64                       // capture time of the newest frame in Unix nanoseconds; 0 before the first
	state                    atomic.Pointer[camera.StateChange] // of camera.Sub; camera.Video has that of the camera

	lastKey   time.Time        // capture time of the newest keyframe since the last outage; only the supervisor uses it and the next one
	intervals [8]time.Duration // between the newest keyframes, the newest first; 0 for those that have not come
	frameRate rateMeter        // guarded by stats.mu, as the next one
	byteRate  rateMeter
}

func (c *Camera) newTrack(name string) *track {
	o := broker.VideoOptions()
	o.Linger, o.Demand, o.Budget = demandLinger, c.demandChanged, c.budget
	return &track{name: name, topic: broker.NewTopic(c.opts.ID+"/"+name, o)}
}

// Track returns the topic of the track with a name, camera.Video or camera.Sub. It returns false if the camera cannot have that track: a
// V4L2 device, a test pattern and a camera that OpenCV decodes have none, and only a camera with Options.Substream has camera.Sub.
// Whether a camera sends video is known only once its frames arrive, see camera.Status.Tracks.
func (c *Camera) Track(name string) (*broker.Topic, bool) {
	if t := c.tracks.Load().named(name); t != nil {
		return t.topic, true
	}
	return nil, false
}

// trackSet holds the tracks that a camera may have. It is immutable: changes replace the whole set.
type trackSet struct{ video, sub *track } // nil where there is none

func (t *trackSet) all() (list []*track) {
	for _, one := range []*track{t.video, t.sub} {
		if one != nil {
			list = append(list, one)
		}
	}
	return list
}

// wanted reports whether somebody reads a track, or did within demandLinger.
func (t *trackSet) wanted() bool {
	return slices.ContainsFunc(t.all(), func(one *track) bool { return one.topic.Wanted() })
}

func (t *trackSet) named(name string) *track {
	for _, one := range t.all() {
		if one.name == name {
			return one
		}
	}
	return nil
}

// buildTracks returns the tracks for the options. A track that previous has keeps its topic and readers.
func (c *Camera) buildTracks(o Options, previous *trackSet) *trackSet {
	keep := func(name string, wanted bool) *track {
		switch t := previous.named(name); {
		case !wanted:
			return nil
		case t != nil:
			return t
		}
		return c.newTrack(name)
	}
	hasVideo := o.Source.Kind != sourceurl.Device && o.Source.Kind != sourceurl.Test && o.Source.Kind != sourceurl.Poll && o.Reader != options.ReaderOpenCV
	return &trackSet{keep(camera.Video, hasVideo), keep(camera.Sub, o.hasSubstream())}
}

func (o *Options) hasSubstream() bool { return o.Substream.Kind != "" }

// setTracks replaces the tracks. The topics of removed tracks end; readers of the others notice nothing.
func (s *supervisor) setTracks(o Options) {
	old := s.tracks.Load()
	updated := s.buildTracks(o, old)
	s.tracks.Store(updated)
	for _, t := range old.all() {
		if updated.named(t.name) != t {
			t.topic.End()
		}
	}
}

// publish publishes a frame of video. Frames before the first keyframe after an outage are left out, because nobody can decode them.
func (t *track) publish(f broker.Frame) {
	if !f.Key && t.lastKey.IsZero() {
		return
	}
	t.topic.Publish(f)
	t.frames.Add(1)
	t.bytes.Add(uint64(len(f.Data)))
	t.format.Store(f.Format)
	t.lastFrame.Store(f.Captured.UnixNano())
	if f.Key {
		if !t.lastKey.IsZero() {
			t.keyframeInterval.Store(int64(f.Captured.Sub(t.lastKey)))
			copy(t.intervals[1:], t.intervals[:])
			t.intervals[0] = t.interval()
		}
		t.lastKey = f.Captured
		t.keyframes.Add(1)
	}
}

// interval returns the time between the newest two keyframes, 0 before the second.
func (t *track) interval() time.Duration { return time.Duration(t.keyframeInterval.Load()) }

// longestInterval returns the longest time between the newest keyframes, 0 before the second. Encoders send additional keyframes where the
// scene changes, so the newest interval may be short. It may also be the one that has begun.
func (t *track) longestInterval(now time.Time) time.Duration {
	longest := slices.Max(t.intervals[:])
	if longest > 0 && !t.lastKey.IsZero() {
		longest = max(longest, now.Sub(t.lastKey))
	}
	return longest
}

// interrupt hides the frames from viewers that come later: the camera is lost. What follows begins with a keyframe.
func (t *track) interrupt() {
	if t != nil && !t.lastKey.IsZero() {
		t.lastKey = time.Time{}
		t.topic.Expire()
	}
}

// forget makes status leave out the track until it has a frame again: the camera sends something else now.
func (t *track) forget() {
	if t != nil {
		t.format.Store(nil)
	}
}

// withdraw makes all frames unreachable.
func (t *track) withdraw() {
	t.lastKey = time.Time{}
	t.topic.Withdraw()
}

// status describes the track. The caller holds stats.mu.
func (t *track) status(state camera.StateChange) camera.Track {
	s := camera.Track{
		Name: t.name, State: state.State, Reason: state.Reason,
		Frames: t.frames.Load(), Keyframes: t.keyframes.Load(), Bytes: t.bytes.Load(),
		KeyframeInterval: t.interval(), Joinable: t.topic.Joinable(),
	}
	if f := t.format.Load(); f != nil {
		s.Codec, s.CodecString, s.Width, s.Height = f.Codec, f.CodecString, f.Width, f.Height
	}
	if ns := t.lastFrame.Load(); ns != 0 {
		s.LastFrame = time.Unix(0, ns)
	}
	if state.State == camera.Live {
		s.FPS, s.BitRate = t.frameRate.perSecond, 8*t.byteRate.perSecond
	}
	return s
}

// sampleRate adds the numbers of frames and bytes so far to the rates. The caller holds stats.mu.
func (t *track) sampleRate(now time.Time) {
	t.frameRate.sample(now, t.frames.Load())
	t.byteRate.sample(now, t.bytes.Load())
}
