package capture

import (
	"context"
	"errors"
	"time"

	"camd/pkg/camera"
)

// videoSource is a source of H.264 or H.265 that is not decoded. Its next and retrieve are not called.
type videoSource interface {
	source
	// nextVideo waits for the next frame. Its error is ctx's, or says why there is no frame.
	nextVideo(ctx context.Context) (videoFrame, error)
}

// liveVideo is the video of an address that has no end.
type liveVideo struct {
	*ffmpegSource
	stream *videoStream
	sentAt time.Time // when the newest frame came that was not left out
}

// maxWithoutFrame is how long all frames may be left out before the source is closed.
const maxWithoutFrame = 30 * time.Second

func newLiveVideo(f *ffmpegSource) *liveVideo {
	return &liveVideo{ffmpegSource: f, stream: newVideoStream(f), sentAt: time.Now()}
}

func (v *liveVideo) nextVideo(ctx context.Context) (videoFrame, error) {
	for ctx.Err() == nil {
		p, err := v.nextPacket()
		if err != nil {
			return videoFrame{}, err
		}
		f, ok := v.stream.add(p)
		now := time.Now()
		switch {
		case v.stream.track.IsKeyframeOverdue():
			return videoFrame{}, errNoKeyframes
		case ok && f.refused == "":
			v.sentAt = now
		case now.Sub(v.sentAt) > maxWithoutFrame:
			return videoFrame{}, errNoUsableFrames
		}
		if ok {
			return f, nil
		}
	}
	return videoFrame{}, ctx.Err()
}

var (
	errNoKeyframes = &failure{camera.BadStream, "the stream has too few keyframes: set a keyframe interval of 1 to 5 s, or reader to opencv", true}

	errNoUsableFrames = &failure{camera.BadStream, "the stream has only damaged frames: set reader to opencv", true}
)

// videoPlayer plays a file of H.264 or H.265 as a filePlayer does. Its frames have times that go on from one pass to the next.
type videoPlayer struct {
	*filePlayer
	stream *videoStream
	pacer  timePacer
}

func newVideoPlayer(c *filePlayer, speed float64) *videoPlayer {
	return &videoPlayer{filePlayer: c, stream: newVideoStream(c.ffmpegSource), pacer: timePacer{speed: speed}}
}

func (v *videoPlayer) nextVideo(ctx context.Context) (videoFrame, error) {
	for ctx.Err() == nil {
		p, err := v.nextPacket()
		if errors.Is(err, errStreamEnded) {
			if err = v.beginAgain(); err == nil {
				continue
			}
		}
		if err != nil {
			return videoFrame{}, err
		}
		f, ok := v.stream.add(p)
		if !ok {
			continue
		}
		if f.refused == "" {
			v.pictures++
			err = v.pacer.wait(ctx, f.header.DTS)
		}
		return f, err
	}
	return videoFrame{}, ctx.Err()
}

// beginAgain opens the file again for the next pass.
func (v *videoPlayer) beginAgain() error {
	if v.pictures == 0 {
		return newFailure(camera.BadStream, "the file has no frame that can be passed on")
	}
	if err := v.openAgain(); err != nil {
		return err
	}
	v.stream.begin(v.ffmpegSource)
	return nil
}

// timePacer waits until each frame of a series is due by its decode time.
type timePacer struct {
	speed   float64   // how much faster than their own rate frames are due
	started time.Time // when the frame with the decode time origin was due
	origin  time.Duration
}

// wait returns when the frame with a decode time is due.
func (p *timePacer) wait(ctx context.Context, dts time.Duration) error {
	now := time.Now()
	due := p.started.Add(time.Duration(float64(dts-p.origin) / p.speed))
	if now.Sub(due) > usualMaxLag {
		p.started, p.origin, due = now, dts, now
	}
	return waitUntil(ctx, due)
}
