package source

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// ProbeReport is the result of a probe.
type ProbeReport struct {
	Format     camera.Format
	OpenTime   time.Duration // from the start until the source was open
	FirstFrame time.Duration // from the start until the first picture
	Frames     int           // pictures received while measuring
	FPS        float64       // measured; 0 for fewer than two pictures
	Frame      broker.Frame  // the last picture
}

// ProbeError is why a source could not be probed.
type ProbeError struct {
	Reason camera.Reason
	Detail string
}

func (e *ProbeError) Error() string { return fmt.Sprintf("%s: %s", e.Reason.Text(), e.Detail) }

// Probe runs a camera until it has delivered pictures for the time measure after the first one, or until it fails. Of the options, only
// Source and WorkerPath are required. The error is ctx's or a *ProbeError.
func Probe(ctx context.Context, o Options, measure time.Duration) (ProbeReport, error) {
	o.OnDemand, o.Paused, o.Renditions = false, false, nil
	c := New(o)
	topic, _ := c.Topic(camera.Main)
	sub := topic.Subscribe(broker.InOrder) // before Run, so that it misses nothing
	defer sub.Close()
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(runCtx) }()
	defer func() { stop(); <-ended }()

	p := prober{camera: c, started: time.Now(), measure: measure}
	report, err := p.collect(ctx, sub)
	c.log.Debug("probe done", zap.Int("frames", report.Frames), zap.Error(err))
	return report, err
}

// prober is the state of one Probe.
type prober struct {
	camera  *Camera
	started time.Time
	measure time.Duration
	first   time.Time // capture time of the first picture
	report  ProbeReport
}

// collect receives pictures until measure has passed since the first one, or the camera has failed. Without a picture it ends when the
// camera should have been open: loadTimeout covers that it waits for a start slot and loads OpenCV.
func (p *prober) collect(ctx context.Context, sub *broker.Subscription) (ProbeReport, error) {
	limit := loadTimeout + p.camera.opts.OpenTimeout + hangMargin
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(limit, cancel)
	defer timer.Stop()
	for {
		f, err := sub.Next(waiting)
		switch {
		case ctx.Err() != nil:
			return p.report, ctx.Err()
		case err != nil && p.report.Frames > 0:
			return p.report, nil
		case err != nil:
			return p.report, &ProbeError{camera.Timeout, fmt.Sprintf("no picture within %v", limit)}
		case !f.Placeholder:
			if p.add(f); p.report.Frames == 1 {
				timer.Reset(p.measure)
			}
		default: // the state has changed
			if st := p.camera.Status(); st.Reason != camera.None && p.report.Frames == 0 {
				return p.report, &ProbeError{st.Reason, st.Detail}
			} else if st.State == camera.Offline {
				return p.report, nil
			}
			if main := p.camera.mainStream(); main.State == camera.Offline && p.report.Frames == 0 {
				return p.report, &ProbeError{main.Reason, main.Detail}
			}
		}
	}
}

// add records a picture.
func (p *prober) add(f *broker.Frame) {
	p.report.Frame = *f
	if p.report.Frames++; p.report.Frames == 1 {
		p.first = f.Captured
		p.report.FirstFrame = time.Since(p.started)
		p.report.Format, p.report.OpenTime = p.camera.Status().Format, p.camera.openedAfter(p.started)
	}
	if span := f.Captured.Sub(p.first).Seconds(); span > 0 {
		p.report.FPS = float64(p.report.Frames-1) / span
	}
}
