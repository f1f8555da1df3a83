package webhook

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

// schema is the version of what is sent; docs/alerts.md describes it. It changes when a field changes its meaning or goes.
const schema = 1

// letter is a notice as it is sent. An attempt that is repeated sends the same bytes under the same id.
type letter struct {
	id        string
	born      time.Time
	camera    string
	condition notify.Condition
	state     camera.State
	body      []byte
}

type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Version    int           `json:"version"`
	Site       string        `json:"site"`
	Camera     string        `json:"camera"`
	Title      string        `json:"title"`
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Detail     string        `json:"detail"`
	Since      time.Time     `json:"since"`
	Previous   *previous     `json:"previous"`
	URL        string        `json:"url,omitempty"`
}

type previous struct {
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Since      time.Time     `json:"since"`
}

// letter writes a notice down.
func (w *Webhook) letter(n notify.Notice, now time.Time) *letter {
	d := data{
		Version: schema, Site: w.opts.Site, Camera: n.Camera, Title: n.Title,
		State: n.Change.State, Reason: n.Change.Reason, ReasonText: n.Change.Reason.Text(), Detail: n.Change.Detail, Since: moment(n.Since),
	}
	if p := n.Previous; p.State != "" {
		d.Previous = &previous{p.State, p.Reason, p.Reason.Text(), moment(n.PreviousSince)}
	}
	if w.opts.Dashboard != "" {
		d.URL = w.opts.Dashboard + "/cameras/" + n.Camera
	}
	body, err := json.Marshal(message{"camera." + string(n.Condition), moment(now), d})
	if err != nil {
		panic(err) // texts and times always can be written
	}
	return &letter{id: "msg_" + rand.Text(), born: now, camera: n.Camera, condition: n.Condition, state: n.Change.State, body: body}
}

func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// fields are what the log says of it.
func (l *letter) fields() []zap.Field {
	return []zap.Field{zap.String("camera", l.camera), zap.String("condition", string(l.condition)), zap.String("state", string(l.state)), zap.String("id", l.id)}
}
