package source

import (
	"context"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// Limits on requests for controls: how long a driver may take to answer, and how many requests may wait for an answer.
const (
	controlTimeout     = 5 * time.Second
	maxPendingRequests = 8
)

// Controls returns the camera's image controls, read from the device. The error is ctx's or a *camera.ControlError.
func (c *Camera) Controls(ctx context.Context) ([]camera.Control, error) {
	return c.sendControlRequest(ctx, nil)
}

// SetControls sets controls by name and returns all controls with their new values. It sets either all of them or none. The camera
// keeps the settings, and sets them again whenever it is opened again. The error is ctx's or a *camera.ControlError.
func (c *Camera) SetControls(ctx context.Context, settings map[string]camera.Setting) ([]camera.Control, error) {
	return c.sendControlRequest(ctx, maps.Clone(settings))
}

func (c *Camera) sendControlRequest(parent context.Context, settings map[string]camera.Setting) ([]camera.Control, error) {
	ctx, cancel := context.WithTimeout(parent, controlTimeout)
	defer cancel()
	reply := make(chan controlReply, 1)
	select {
	case c.controlRequests <- controlRequest{settings: settings, reply: reply}:
	case <-c.done:
		return nil, camera.ControlErrorf(camera.NotOpen, "%v", errCameraEnded)
	case <-ctx.Done():
		return nil, controlTimeoutError(parent)
	}
	select {
	case a := <-reply:
		return a.list, a.err
	case <-c.done:
		return nil, camera.ControlErrorf(camera.NotOpen, "%v", errCameraEnded)
	case <-ctx.Done():
		return nil, controlTimeoutError(parent)
	}
}

func controlTimeoutError(parent context.Context) error {
	if err := parent.Err(); err != nil {
		return err
	}
	return camera.ControlErrorf(camera.ControlsTimeout, "the camera's driver did not answer within %v: it may still apply the settings", controlTimeout)
}

// controlRequest is a request to the supervisor. Without settings, it only reads the controls.
type controlRequest struct {
	settings   map[string]camera.Setting
	reply      chan<- controlReply // has room for the reply
	fromConfig bool                // the settings are from the configuration: nobody waits for the reply, so a failure is logged as a warning
}

type controlReply struct {
	list []camera.Control
	err  error
}

// controlState is what the supervisor keeps about image controls.
type controlState struct {
	desired     map[string]camera.Setting // by the control's name: the newest setting of the configuration or of a person
	unsent      map[string]camera.Setting // those of desired that have not been sent to the worker yet
	pending     map[uint32]controlRequest // by the request's number: sent to the worker and not answered yet
	lastRequest uint32                    // the number of the newest request
}

func newControlState(wanted map[string]camera.Setting) controlState {
	t := controlState{desired: map[string]camera.Setting{}, unsent: map[string]camera.Setting{}, pending: map[uint32]controlRequest{}}
	maps.Copy(t.desired, wanted)
	return t
}

// startMessage returns the message that makes a worker open this camera with the present controls and renditions.
func (s *supervisor) startMessage() wire.Start {
	start := s.opts.startMessage()
	start.Controls, start.Renditions = s.desired, s.streams.Load().numbered()
	if s.fallback == openCVDecodes {
		start.Reader = options.ReaderOpenCV
	}
	return start
}

// handleControlRequest passes a request on to the worker, or replies with the reason why that is not possible.
func (s *supervisor) handleControlRequest(a controlRequest) {
	switch {
	case s.opts.Source.Kind != sourceurl.Device:
		a.reply <- controlReply{err: camera.ControlErrorf(camera.NoControls, "this source has no controls: only V4L2 devices have them")}
	case s.paused:
		a.reply <- controlReply{err: camera.ControlErrorf(camera.CameraPaused, "the camera is turned off: turn it on with {\"paused\": false} to use its controls")}
	case s.worker == nil || !s.opened:
		a.reply <- controlReply{err: s.notOpenError()}
	case len(s.pending) >= maxPendingRequests:
		a.reply <- controlReply{err: camera.ControlErrorf(camera.ControlsTimeout, "the camera's driver has not answered earlier requests: try again later")}
	default:
		s.lastRequest++
		s.pending[s.lastRequest] = a
		s.worker.send(wire.SetControls{Request: s.lastRequest, Set: a.settings})
	}
}

func (s *supervisor) notOpenError() error {
	why := ""
	if s.Reason != camera.None {
		why = " (" + s.Reason.Text() + ")"
	}
	return camera.ControlErrorf(camera.NotOpen, "the camera is %s%s: its controls are available only while it is open", s.State, why)
}

// handleControlReply handles the worker's reply to a request, or the report that it sends without a request after opening.
func (s *supervisor) handleControlReply(m wire.Controls) {
	for name, why := range m.Refused {
		s.log.Warn("control not set", zap.String("control", name), zap.Stringer("setting", s.desired[name]), zap.String("problem", why))
	}
	a, ok := s.pending[m.Request]
	delete(s.pending, m.Request)
	var got controlReply
	if m.ErrorKind != "" {
		got.err = &camera.ControlError{Kind: camera.ControlErrorKind(m.ErrorKind), Detail: m.Detail}
		s.log.Log(a.failureLogLevel(), "control request failed", zap.Error(got.err))
	} else {
		got.list = m.List
		s.saveControls(a.settings, got.list)
		s.updateStatus(func(st *camera.Status) { st.Controls = got.list })
	}
	if ok {
		a.reply <- got
	}
}

// failureLogLevel returns the level at which a failure of the request is logged.
func (c controlRequest) failureLogLevel() zapcore.Level {
	if c.fromConfig {
		return zapcore.WarnLevel
	}
	return zapcore.DebugLevel
}

// applyConfiguredControls takes over the settings that differ from those of the configuration before. All other controls keep what
// people have set.
func (s *supervisor) applyConfiguredControls(before map[string]camera.Setting) {
	for name, to := range s.opts.Controls {
		if was, had := before[name]; !had || was != to {
			s.desired[name], s.unsent[name] = to, to
		}
	}
}

// sendUnsentControls sends the unsent settings to the worker if it has the source open. Each setting is a request of its own, so that a
// control that the device does not have does not prevent the others.
func (s *supervisor) sendUnsentControls() {
	if s.worker == nil || !s.opened {
		return
	}
	for name, to := range s.unsent {
		settings := map[string]camera.Setting{name: to}
		s.lastRequest++
		s.pending[s.lastRequest] = controlRequest{settings, make(chan<- controlReply, 1), true}
		s.worker.send(wire.SetControls{Request: s.lastRequest, Set: settings})
	}
	clear(s.unsent)
}

// saveControls keeps the settings for the next time that the camera is opened. Buttons are left out, since they have no value.
func (s *supervisor) saveControls(settings map[string]camera.Setting, list []camera.Control) {
	if len(settings) == 0 {
		return
	}
	for _, c := range list {
		if to, set := settings[c.Name]; set && c.Kind != camera.Button {
			s.desired[c.Name] = to
		}
	}
	s.log.Info("controls set", zap.String("settings", fmt.Sprint(settings)))
}

// failPendingRequests replies with an error to the requests that the worker did not answer before it ended.
func (s *supervisor) failPendingRequests() {
	for _, a := range s.pending {
		a.reply <- controlReply{err: camera.ControlErrorf(camera.NotOpen, "the camera was closed before it answered")}
	}
	clear(s.pending)
	s.updateStatus(func(st *camera.Status) { st.Controls = nil })
}
