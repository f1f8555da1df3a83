package source

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// ProbeReport is the result of a probe.
type ProbeReport struct {
	Format     camera.Format
	OpenTime   time.Duration // from the start of the capture process until the source was open
	FirstFrame time.Duration // from the start of the capture process until the first picture
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

// Probe opens a source, receives pictures for the time measure after the first one, and closes the source. Of the options, only Source
// and WorkerPath are required. The error is ctx's or a *ProbeError.
func Probe(ctx context.Context, o Options, measure time.Duration) (ProbeReport, error) {
	o = o.withDefaults()
	started := time.Now()
	w, err := startWorker(o.WorkerPath, o.startMessage(), o.Log)
	if err != nil {
		return ProbeReport{}, &ProbeError{camera.WorkerMissing, startErrorDetail(o.WorkerPath, err)}
	}
	p := prober{started: started, measure: measure, failure: ProbeError{Reason: camera.WorkerCrashed}}
	w.send(wire.Demand{Wanted: true})
	err = p.collect(ctx, w, o.OpenTimeout+hangMargin)
	w.stop(o.StopGracePeriod)
	if err == nil && p.report.Frames == 0 {
		if p.failure.Detail == "" {
			p.failure.Reason, p.failure.Detail = w.exitReason()
		}
		err = &p.failure
	}
	o.Log.Debug("probe done", zap.Int("frames", p.report.Frames), zap.Error(err))
	return p.report, err
}

// prober is the state of one Probe.
type prober struct {
	started     time.Time
	measure     time.Duration
	loaded      bool      // the worker has loaded OpenCV
	first, last time.Time // capture times
	report      ProbeReport
	failure     ProbeError
}

// collect receives pictures until measure has passed since the first one, or the worker ends. Without a picture, it returns when
// timeout has passed since the worker loaded OpenCV, or loadTimeout if it never does. The error is only ctx's.
func (p *prober) collect(ctx context.Context, w *worker, timeout time.Duration) error {
	timer := time.NewTimer(loadTimeout)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-w.events:
			if !ok {
				return nil
			}
			if _, ready := e.(loadedEvent); ready && !p.loaded {
				p.loaded = true
				timer.Reset(timeout)
			}
			if p.handleEvent(e) {
				timer.Reset(p.measure)
			}
			if _, over := e.(endedEvent); over { // whether or not it also exits
				return nil
			}
		case <-timer.C:
			if p.report.Frames == 0 && p.failure.Detail == "" {
				p.failure = ProbeError{camera.Timeout, fmt.Sprintf("no picture within %v", timeout)}
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// handleEvent records an event and reports whether it was the first picture.
func (p *prober) handleEvent(e event) bool {
	switch e := e.(type) {
	case openedEvent:
		p.report.Format, p.report.OpenTime = e.Format, time.Since(p.started)
	case endedEvent:
		p.failure = ProbeError{e.reason, e.detail}
	case refusedEvent:
		p.failure = ProbeError{camera.BadStream, e.err.Error()}
	case frameEvent:
		p.report.Frame, p.last = e.frame, e.frame.Captured
		if p.report.Frames++; p.report.Frames == 1 {
			p.first, p.report.FirstFrame = p.last, time.Since(p.started)
			return true
		}
		if span := p.last.Sub(p.first).Seconds(); span > 0 {
			p.report.FPS = float64(p.report.Frames-1) / span
		}
	}
	return false
}
