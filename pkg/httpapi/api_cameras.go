package httpapi

import (
	"net/http"
	"time"

	"camd/pkg/access"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// cameraJSON is a camera as the API shows it. Times are RFC 3339, and null for what has not happened. Source and Detail may hold
// addresses and user names, so they are empty unless the role is admin.
type cameraJSON struct {
	ID         string            `json:"id"`
	Title      string            `json:"title"`
	Site       string            `json:"site"`
	Remote     bool              `json:"remote"`
	Source     string            `json:"source"`
	State      camera.State      `json:"state"`
	Paused     bool              `json:"paused"`
	Reason     camera.Reason     `json:"reason"`
	ReasonText string            `json:"reason_text"`
	Detail     string            `json:"detail"`
	Since      *time.Time        `json:"since"`
	Retry      *time.Time        `json:"retry"`
	LastFrame  *time.Time        `json:"last_frame"`
	FPS        float64           `json:"fps"`
	Viewers    int               `json:"viewers"`
	Format     formatJSON        `json:"format"`
	Tracks     []trackJSON       `json:"tracks"`
	Renditions []renditionJSON   `json:"renditions"` // main is first
	Streams    []streamJSON      `json:"streams"`    // as Renditions; empty for a camera of another site
	Decoders   []decoderJSON     `json:"decoders"`
	Counts     countsJSON        `json:"counts"`
	Worker     workerJSON        `json:"worker"`
	URLs       map[string]string `json:"urls"`
	Controls   []controlJSON     `json:"controls,omitempty"` // not in the list of cameras
}

type formatJSON struct {
	Backend     string  `json:"backend"`
	Codec       string  `json:"codec"`
	Width       int     `json:"width"`
	Height      int     `json:"height"`
	FPS         float64 `json:"fps"`
	Passthrough bool    `json:"passthrough"`
	Note        string  `json:"note,omitempty"`
}

// trackJSON is a stream of H.264 or H.265 that camd passes on as the camera sends it.
type trackJSON struct {
	Name             string        `json:"name"`
	State            camera.State  `json:"state"`
	Reason           camera.Reason `json:"reason"`
	ReasonText       string        `json:"reason_text"`
	Codec            string        `json:"codec"`
	CodecString      string        `json:"codec_string"`
	Width            int           `json:"width"`
	Height           int           `json:"height"`
	FPS              float64       `json:"fps"`
	BitRate          float64       `json:"bit_rate"`
	KeyframeInterval *float64      `json:"keyframe_interval_seconds"` // null before the second keyframe
	Joinable         bool          `json:"joinable"`
	Frames           uint64        `json:"frames"`
	Keyframes        uint64        `json:"keyframes"`
	Bytes            uint64        `json:"bytes"`
	LastFrame        *time.Time    `json:"last_frame"`
	URL              string        `json:"url"`
}

// renditionJSON is a stream of the camera's pictures. Width and FPS are upper bounds; 0 means no bound.
type renditionJSON struct {
	Name      string  `json:"name"`
	Width     int     `json:"width"`
	FPS       float64 `json:"fps"`
	Published uint64  `json:"published"`
}

type countsJSON struct {
	Captured  uint64                   `json:"captured"`
	Published uint64                   `json:"published"`
	Refused   map[string]uint64        `json:"refused"`
	Restarts  map[camera.Reason]uint64 `json:"restarts"`
}

type workerJSON struct {
	PID        int     `json:"pid"`
	CPUSeconds float64 `json:"cpu_seconds"`
	RSSBytes   uint64  `json:"rss_bytes"`
}

func tracksOf(s camera.Status) []trackJSON {
	all := []trackJSON{}
	for _, t := range s.Tracks {
		j := trackJSON{
			Name: t.Name, State: t.State, Reason: t.Reason, ReasonText: t.Reason.Text(),
			Codec: t.Codec, CodecString: t.CodecString, Width: t.Width, Height: t.Height, FPS: t.FPS, BitRate: t.BitRate,
			Joinable: t.Joinable, Frames: t.Frames, Keyframes: t.Keyframes, Bytes: t.Bytes, LastFrame: jsonTime(t.LastFrame),
			URL: "/cameras/" + s.ID + "/stream.mp4",
		}
		if t.Name != camera.Video {
			j.URL += "?track=" + t.Name
		}
		if t.KeyframeInterval > 0 {
			seconds := t.KeyframeInterval.Seconds()
			j.KeyframeInterval = &seconds
		}
		all = append(all, j)
	}
	return all
}

func renditionsOf(s camera.Status) []renditionJSON {
	all := []renditionJSON{{Name: camera.Main, Published: s.Counts.Published[camera.Main]}}
	for _, r := range s.Renditions {
		all = append(all, renditionJSON{r.Name, r.Width, r.FPS, s.Counts.Published[r.Name]})
	}
	return all
}

func newCameraJSON(s camera.Status, viewers int, g access.Grant) cameraJSON {
	return cameraJSON{
		ID: s.ID, Title: s.Title, Site: s.Site, Remote: s.Remote, Source: forAdmin(g, s.ID, s.Source),
		State: s.State, Paused: s.State == camera.Paused, Reason: s.Reason, ReasonText: s.Reason.Text(), Detail: forAdmin(g, s.ID, s.Detail),
		Since: jsonTime(s.Since), Retry: jsonTime(s.NextRetry), LastFrame: jsonTime(s.LastFrame),
		FPS: s.Counts.FPS, Viewers: viewers,
		Format:     formatJSON(s.Format),
		Tracks:     tracksOf(s),
		Renditions: renditionsOf(s),
		Streams:    streamsOf(s, g),
		Decoders:   decodersOf(s, g),
		Counts:     countsJSON{s.Counts.Captured, s.Counts.Published[camera.Main], nonzero(s.Counts.Refused), nonzero(s.Counts.Restarts)},
		Worker:     workerJSON{s.Worker.PID, s.Worker.CPUSeconds, s.Worker.RSSBytes},
		URLs: map[string]string{
			"stream":   "/cameras/" + s.ID + "/stream.mjpg",
			"snapshot": "/cameras/" + s.ID + "/snapshot.jpg",
		},
	}
}

func (s *Server) listCameras(w http.ResponseWriter, r *http.Request) {
	viewers, cfg := s.viewers.CountPerCamera(), s.config.Load()
	list, grant := []cameraJSON{}, request.RequesterOf(r).Grant
	for _, id := range cfg.visibleTo(grant) {
		list = append(list, newCameraJSON(cfg.Cameras[id].Status(), viewers[id], grant))
	}
	request.WriteJSON(w, http.StatusOK, map[string]any{
		"cameras": list, "version": s.opts.Version, "started": jsonTime(s.startTime), "time": jsonTime(time.Now()),
	})
}

func (s *Server) showCamera(w http.ResponseWriter, r *http.Request, target request.Target) {
	status := target.Camera.Status()
	j := newCameraJSON(status, s.viewers.CountPerCamera()[target.ID], request.RequesterOf(r).Grant)
	j.Controls = controlsJSON(status.Controls)
	request.WriteJSON(w, http.StatusOK, j)
}
