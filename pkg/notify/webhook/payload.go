package webhook

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

// delivery is a notice in the form in which it is sent. All attempts send the same body under the same id.
type delivery struct {
	id        string
	createdAt time.Time
	camera    string
	condition notify.Condition
	state     camera.State
	body      []byte
}

type payload struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      cameraEvent `json:"data"`
}

type cameraEvent struct {
	notify.CameraState
	Previous *previousState `json:"previous"`
	URL      string         `json:"url,omitempty"`
}

type previousState struct {
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Since      time.Time     `json:"since"`
}

// newDelivery makes the delivery of a notice.
func (w *Webhook) newDelivery(n notify.Notice, now time.Time) *delivery {
	d := cameraEvent{CameraState: notify.NewCameraState(w.opts.Site, n.Camera, n.Title, n.Change, n.Since)}
	if p := n.Previous; p.State != "" {
		d.Previous = &previousState{p.State, p.Reason, p.Reason.Text(), utcMillis(n.PreviousSince)}
	}
	if w.opts.Dashboard != "" {
		d.URL = w.opts.Dashboard + "/cameras/" + n.Camera
	}
	body, err := json.Marshal(payload{"camera." + string(n.Condition), utcMillis(now), d})
	if err != nil {
		panic(err) // strings and times cannot fail
	}
	return &delivery{id: "msg_" + rand.Text(), createdAt: now, camera: n.Camera, condition: n.Condition, state: n.Change.State, body: body}
}

func utcMillis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// logFields returns the delivery's fields for the log.
func (d *delivery) logFields() []zap.Field {
	return []zap.Field{zap.String("camera", d.camera), zap.String("condition", string(d.condition)), zap.String("state", string(d.state)), zap.String("id", d.id)}
}
