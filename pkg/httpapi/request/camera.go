package request

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// Camera is a camera that the server serves. Its methods are safe for concurrent use.
type Camera interface {
	Status() camera.Status
	// Renditions returns the names of its streams, main first.
	Renditions() []string
	// Topic returns the stream in a rendition.
	Topic(rendition string) (*broker.Topic, bool)
	// Track returns the video that the camera sends, as it sends it: video, or sub for the smaller stream. It returns false if the
	// camera sends no such video. A camera that sends JPEGs has no video.
	Track(name string) (*broker.Topic, bool)
}

// Target is the camera that a request is for, and the limits for its pictures.
type Target struct {
	ID     string
	Camera Camera
	Limits Limits
}

// Limits are the limits for an answer, from the configuration in which the request found its camera.
type Limits struct {
	WriteTimeout     time.Duration // a viewer that takes nothing for this long is disconnected
	SendBuffer       int           // bytes that the kernel may hold unsent for a viewer; 0 leaves it to the system
	BytesPerSecond   int64         // of one stream; 0 is no limit
	WaitingSnapshots int           // snapshots that may wait for a picture at once
}

// Rendition returns ?rendition=, and main by default.
func (t Target) Rendition(r *http.Request) (string, *Error) {
	name := cmp.Or(r.FormValue("rendition"), camera.Main)
	if !slices.Contains(t.Camera.Renditions(), name) {
		return "", t.noRendition(name)
	}
	return name, nil
}

// Topic returns the camera's stream in a rendition, or the error for one that the camera does not have.
func (t Target) Topic(rendition string) (*broker.Topic, *Error) {
	topic, ok := t.Camera.Topic(rendition)
	if !ok {
		return nil, t.noRendition(rendition)
	}
	return topic, nil
}

func (t Target) noRendition(name string) *Error {
	return Errorf(http.StatusNotFound, "camera %q has no rendition %q: its renditions are %s", t.ID, name, strings.Join(t.Camera.Renditions(), ", "))
}
