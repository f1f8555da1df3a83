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

// Report is what a probe found out.
type Report struct {
	Format     camera.Format
	OpenTime   time.Duration // from the start of the capture process until the source was open
	FirstFrame time.Duration // from the same start until the first picture
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

// Probe opens a source, takes pictures for the given time after the first, and closes it again. Of the options it needs
// Source and Worker. Its error is a *ProbeError unless ctx ended.
func Probe(ctx context.Context, o Options, measure time.Duration) (Report, error) {
	o = o.filled()
	begin := time.Now()
	w, err := startWorker(o.Worker, o.start(), o.Log)
	if err != nil {
		return Report{}, &ProbeError{camera.WorkerMissing, startError(o.Worker, err)}
	}
	p := prober{begin: begin, measure: measure, why: ProbeError{Reason: camera.WorkerCrashed}}
	w.send(wire.Demand{Wanted: true})
	err = p.listen(ctx, w, o.Open+beyond)
	w.stop(o.Grace)
	if err == nil && p.report.Frames == 0 {
		if p.why.Detail == "" {
			p.why.Reason, p.why.Detail = w.verdict()
		}
		err = &p.why
	}
	o.Log.Debug("probe done", zap.Int("frames", p.report.Frames), zap.Error(err))
	return p.report, err
}

type prober struct {
	begin       time.Time
	measure     time.Duration
	loaded      bool      // the worker has loaded OpenCV
	first, last time.Time // capture times
	report      Report
	why         ProbeError
}

// listen collects pictures until there are enough, the worker ends, or it stays silent beyond patience after it has loaded
// OpenCV.
func (p *prober) listen(ctx context.Context, w *worker, patience time.Duration) error {
	enough := time.NewTimer(loadTimeout)
	defer enough.Stop()
	for {
		select {
		case e, ok := <-w.events:
			if !ok {
				return nil
			}
			if _, ready := e.(loaded); ready && !p.loaded {
				p.loaded = true
				enough.Reset(patience)
			}
			if p.take(e) {
				enough.Reset(p.measure)
			}
			if _, over := e.(ended); over { // whether or not it also exits
				return nil
			}
		case <-enough.C:
			if p.report.Frames == 0 && p.why.Detail == "" {
				p.why = ProbeError{camera.Timeout, fmt.Sprintf("no picture within %v", patience)}
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take notes an event and reports whether it was the first picture.
func (p *prober) take(e event) bool {
	switch e := e.(type) {
	case opened:
		p.report.Format, p.report.OpenTime = e.Format, time.Since(p.begin)
	case ended:
		p.why = ProbeError{e.reason, e.detail}
	case refused:
		p.why = ProbeError{camera.BadStream, e.err.Error()}
	case picture:
		p.report.Frame, p.last = e.frame, e.frame.Captured
		if p.report.Frames++; p.report.Frames == 1 {
			p.first, p.report.FirstFrame = p.last, time.Since(p.begin)
			return true
		}
		if span := p.last.Sub(p.first).Seconds(); span > 0 {
			p.report.FPS = float64(p.report.Frames-1) / span
		}
	}
	return false
}
