package compat

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/httpapi/mjpeg"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/snapshot"
	"camd/pkg/httpapi/viewers"
)

// ServeStream serves /stream, the first camera's stream.
func (s *Server) ServeStream(w http.ResponseWriter, r *http.Request) {
	if target, ok := s.camera(w, r, 0); ok {
		s.opts.Streams.ServeVariant(w, r, target, mjpeg.Variant{
			Prepare: func(h http.Header, viewer *viewers.Viewer) { setClientCookie(h, r, viewer) },
		})
	}
}

// ServeSnapshot serves /snapshot, the first camera's newest picture.
func (s *Server) ServeSnapshot(w http.ResponseWriter, r *http.Request) {
	if target, ok := s.camera(w, r, 0); ok {
		s.opts.Snapshots.ServeVariant(w, r, target, snapshot.Variant{
			NoStore:    true,
			SetHeaders: func(h http.Header, f *broker.Frame) { setSnapshotHeaders(h, f, target.Camera.Status().State) },
		})
	}
}

// ServeState serves /state: the first camera, and its viewers.
func (s *Server) ServeState(w http.ResponseWriter, r *http.Request) {
	target, ok := s.camera(w, r, 0)
	if !ok {
		return
	}
	request.WriteJSON(w, http.StatusOK, map[string]any{"ok": true, "result": s.newState(target)})
}

func (s *Server) newState(target request.Target) stateJSON {
	st, clients := target.Camera.Status(), s.clients(target.ID)
	var j stateJSON
	j.InstanceID = target.ID
	j.Encoder.Type = "CPU"
	if st.Format.Passthrough {
		j.Encoder.Type = "HW" // ustreamer's word for JPEG that the camera made
	}
	j.Source.Resolution.Width, j.Source.Resolution.Height = st.Format.Width, st.Format.Height
	if topic, ok := target.Camera.Topic(camera.Main); ok {
		if f := topic.Newest(); f != nil { // the size of the newest picture, even of a placeholder, as in ustreamer
			j.Source.Resolution.Width, j.Source.Resolution.Height = f.Format.Width, f.Format.Height
		}
	}
	j.Source.Online = st.State == camera.Live
	j.Source.DesiredFPS, j.Source.CapturedFPS = roundFPS(st.Format.FPS), roundFPS(st.Counts.FPS)
	if len(clients) > 0 {
		j.Stream.QueuedFPS = j.Source.CapturedFPS
	}
	j.Stream.Clients, j.Stream.ClientsStat = len(clients), clients
	return j
}

// stateJSON is the part of ustreamer's /state that its clients read. Rates are whole numbers there.
type stateJSON struct {
	InstanceID string `json:"instance_id"`
	Encoder    struct {
		Type    string `json:"type"`
		Quality int    `json:"quality"` // 0: not known
	} `json:"encoder"`
	Source struct {
		Resolution struct {
			Width  int `json:"width"`
			Height int `json:"height"`
		} `json:"resolution"`
		Online      bool `json:"online"`
		DesiredFPS  int  `json:"desired_fps"`
		CapturedFPS int  `json:"captured_fps"`
	} `json:"source"`
	Stream struct {
		QueuedFPS   int                   `json:"queued_fps"`
		Clients     int                   `json:"clients"`
		ClientsStat map[string]clientJSON `json:"clients_stat"`
	} `json:"stream"`
}

// clientJSON is a viewer. camd does not have the stream variants of ustreamer, so their values are false.
type clientJSON struct {
	FPS             int    `json:"fps"`
	ExtraHeaders    bool   `json:"extra_headers"`
	AdvanceHeaders  bool   `json:"advance_headers"`
	DualFinalFrames bool   `json:"dual_final_frames"`
	ZeroData        bool   `json:"zero_data"`
	Key             string `json:"key"`
}

// maxKeyLength bounds ?key=. Keys of PiKVM have eight letters.
const maxKeyLength = 64

// clientKey returns ?key=, by which a client recognizes itself in clients_stat. Without one it returns "0", as ustreamer does.
func clientKey(r *http.Request) string {
	if key := url.QueryEscape(r.FormValue("key")); key != "" && len(key) <= maxKeyLength {
		return key
	}
	return "0"
}

// setClientCookie sets a cookie with the viewer's ID in clients_stat. Clients that gave no key get no cookie.
func setClientCookie(h http.Header, r *http.Request, viewer *viewers.Viewer) {
	if viewer.ClientKey = clientKey(r); viewer.ClientKey != "0" {
		h.Set("Set-Cookie", "stream_client="+viewer.ClientKey+"/"+viewer.ID+"; path=/; max-age=30")
	}
}

// setSnapshotHeaders adds the headers that ustreamer sends with a snapshot.
func setSnapshotHeaders(h http.Header, f *broker.Frame, state camera.State) {
	h.Set("X-UStreamer-Online", strconv.FormatBool(!f.Placeholder && state == camera.Live))
	h.Set("X-UStreamer-Width", strconv.Itoa(f.Format.Width))
	h.Set("X-UStreamer-Height", strconv.Itoa(f.Format.Height))
}

func roundFPS(fps float64) int { return int(math.Round(fps)) }

// clients returns the viewers of a camera by their IDs.
func (s *Server) clients(id string) map[string]clientJSON {
	now, all := time.Now(), map[string]clientJSON{}
	for _, v := range s.opts.Viewers.Sorted() {
		if v.Camera == id {
			fps, _ := v.FPS(now)
			all[v.ID] = clientJSON{FPS: roundFPS(fps), Key: cmp.Or(v.ClientKey, "0")}
		}
	}
	return all
}
