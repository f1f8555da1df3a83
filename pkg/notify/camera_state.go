package notify

import (
	"time"

	"camd/pkg/camera"
)

// stateVersion is the version of CameraState. It changes when a field changes its meaning or is removed.
const stateVersion = 1

// CameraState is a camera's state as JSON for webhooks and MQTT; docs/alerts.md describes it.
type CameraState struct {
	Version    int           `json:"version"`
	Site       string        `json:"site"`
	Camera     string        `json:"camera"`
	Title      string        `json:"title"`
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Detail     string        `json:"detail"`
	Since      time.Time     `json:"since"`
}

// NewCameraState returns the state c of a camera at a site. since is when the camera came into it.
func NewCameraState(site, id, title string, c camera.StateChange, since time.Time) CameraState {
	return CameraState{
		Version: stateVersion, Site: site, Camera: id, Title: title,
		State: c.State, Reason: c.Reason, ReasonText: c.Reason.Text(), Detail: c.Detail, Since: since.UTC().Truncate(time.Millisecond),
	}
}
