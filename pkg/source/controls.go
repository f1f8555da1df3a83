package source

import (
	"context"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/camera"
	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// Drivers are given controlPatience to answer, and no more than mostAsked questions at a time.
const (
	controlPatience = 5 * time.Second
	mostAsked       = 8
)

// Controls asks the camera for its image controls. The error is ctx's or a *camera.ControlError.
func (c *Camera) Controls(ctx context.Context) ([]camera.Control, error) {
	return c.adjust(ctx, nil)
}

// SetControls sets controls, by name, and returns all as they are then. Either all are set or none. What has been set is
// set again whenever the camera is opened anew. The error is ctx's or a *camera.ControlError.
func (c *Camera) SetControls(ctx context.Context, settings map[string]camera.Setting) ([]camera.Control, error) {
	return c.adjust(ctx, maps.Clone(settings))
}

func (c *Camera) adjust(parent context.Context, settings map[string]camera.Setting) ([]camera.Control, error) {
	ctx, cancel := context.WithTimeout(parent, controlPatience)
	defer cancel()
	answer := make(chan adjusted, 1)
	select {
	case c.adjustments <- adjustment{settings: settings, answer: answer}:
	case <-c.gone:
		return nil, camera.ControlErrorf(camera.NotOpen, "%v", errGone)
	case <-ctx.Done():
		return nil, late(parent)
	}
	select {
	case a := <-answer:
		return a.list, a.err
	case <-c.gone:
		return nil, camera.ControlErrorf(camera.NotOpen, "%v", errGone)
	case <-ctx.Done():
		return nil, late(parent)
	}
}

func late(parent context.Context) error {
	if err := parent.Err(); err != nil {
		return err
	}
	return camera.ControlErrorf(camera.ControlsTimeout, "the camera's driver has not answered within %v; it may yet do what was asked", controlPatience)
}

// adjustment is a request to the camera's goroutine.
type adjustment struct {
	settings   map[string]camera.Setting
	answer     chan<- adjusted // has room for it
	configured bool            // nobody waits for an answer, and the log is to say what was not set
}

type adjusted struct {
	list []camera.Control
	err  error
}

// tuning is what the camera's goroutine knows of controls.
type tuning struct {
	kept  map[string]camera.Setting // what the configuration and people want, newest
	owed  map[string]camera.Setting // what the worker could not be told of it yet
	asked map[uint32]adjustment     // what the worker has yet to answer
	last  uint32                    // request
}

func newTuning(wanted map[string]camera.Setting) tuning {
	t := tuning{kept: map[string]camera.Setting{}, owed: map[string]camera.Setting{}, asked: map[uint32]adjustment{}}
	maps.Copy(t.kept, wanted)
	return t
}

// start is the message that makes a worker open this camera as it is wanted now.
func (s *supervisor) start() wire.Start {
	start := s.opts.start()
	start.Controls, start.Renditions = onWire(s.kept), s.streams.Load().onWire()
	return start
}

// ask passes a request on to the worker.
func (s *supervisor) ask(a adjustment) {
	switch {
	case s.opts.Source.Kind != spec.Device:
		a.answer <- adjusted{err: camera.ControlErrorf(camera.NoControls, "this source has no controls: only a V4L2 device has")}
	case s.paused:
		a.answer <- adjusted{err: camera.ControlErrorf(camera.SwitchedOff, "the camera is switched off; its controls can be reached once it is switched on, by {\"paused\": false}")}
	case s.worker == nil || !s.opened:
		a.answer <- adjusted{err: s.notOpen()}
	case len(s.asked) >= mostAsked:
		a.answer <- adjusted{err: camera.ControlErrorf(camera.ControlsTimeout, "the camera's driver has not answered earlier requests yet")}
	default:
		s.last++
		s.asked[s.last] = a
		s.worker.send(wire.Adjust{Request: s.last, Set: onWire(a.settings)})
	}
}

func (s *supervisor) notOpen() error {
	why := ""
	if s.reason != camera.None {
		why = ", " + s.reason.Text()
	}
	return camera.ControlErrorf(camera.NotOpen, "the camera is %s%s; its controls can be reached while it is open", s.state, why)
}

// answered takes the worker's answer, or what it says of controls of its own accord.
func (s *supervisor) answered(m wire.Controls) {
	for name, why := range m.Refused {
		s.log.Warn("control not set", zap.String("control", name), zap.Stringer("setting", s.kept[name]), zap.String("problem", why))
	}
	a, ok := s.asked[m.Request]
	delete(s.asked, m.Request)
	var got adjusted
	if m.Trouble != "" {
		got.err = &camera.ControlError{Trouble: camera.ControlTrouble(m.Trouble), Detail: m.Detail}
		s.log.Log(a.severity(), "controls not had", zap.Error(got.err))
	} else {
		for _, c := range m.List {
			got.list = append(got.list, camera.Control(c))
		}
		s.keep(a.settings, got.list)
		s.update(func(st *camera.Status) { st.Controls = got.list })
	}
	if ok {
		a.answer <- got
	}
}

// severity is that of its failure in the log.
func (a adjustment) severity() zapcore.Level {
	if a.configured {
		return zapcore.WarnLevel
	}
	return zapcore.DebugLevel
}

// want notes what the configuration says otherwise than before. What people have set of the rest stays.
func (s *supervisor) want(before map[string]camera.Setting) {
	for name, to := range s.opts.Controls {
		if was, there := before[name]; !there || was != to {
			s.kept[name], s.owed[name] = to, to
		}
	}
}

// pay tells the worker what it is owed, once it can be told. Each control is a request of its own: one that the device does not
// have keeps no other from being set.
func (s *supervisor) pay() {
	if s.worker == nil || !s.opened {
		return
	}
	for name, to := range s.owed {
		settings := map[string]camera.Setting{name: to}
		s.last++
		s.asked[s.last] = adjustment{settings, make(chan<- adjusted, 1), true}
		s.worker.send(wire.Adjust{Request: s.last, Set: onWire(settings)})
	}
	clear(s.owed)
}

// keep notes what has been set, for the next time that the camera is opened. A button is not a state.
func (s *supervisor) keep(settings map[string]camera.Setting, list []camera.Control) {
	if len(settings) == 0 {
		return
	}
	for _, c := range list {
		if to, set := settings[c.Name]; set && c.Kind != camera.Button {
			s.kept[c.Name] = to
		}
	}
	s.log.Info("controls set", zap.String("settings", fmt.Sprint(settings)))
}

// abandon ends requests to a worker that is gone.
func (s *supervisor) abandon() {
	for _, a := range s.asked {
		a.answer <- adjusted{err: camera.ControlErrorf(camera.NotOpen, "the camera was closed before it answered")}
	}
	clear(s.asked)
	s.update(func(st *camera.Status) { st.Controls = nil })
}

func onWire(settings map[string]camera.Setting) map[string]wire.Setting {
	to := make(map[string]wire.Setting, len(settings))
	for name, s := range settings {
		to[name] = wire.Setting(s)
	}
	return to
}
