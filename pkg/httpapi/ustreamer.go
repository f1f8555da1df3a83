package httpapi

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

// maxKeyLength bounds ?key=, which PiKVM makes of eight letters.
const maxKeyLength = 64

// clientKey is what a client of ustreamer gives to find itself in clients_stat; "0" without, as there.
func clientKey(r *http.Request) string {
	if key := url.QueryEscape(r.FormValue("key")); key != "" && len(key) <= maxKeyLength {
		return key
	}
	return "0"
}

// setClientCookie sets a cookie with the viewer's ID in clients_stat, if the client gave a key by which to know its answer. Other
// clients get no cookie.
func setClientCookie(h http.Header, r *http.Request, viewer *viewers.Viewer) {
	if viewer.ClientKey = clientKey(r); viewer.ClientKey != "0" {
		h.Set("Set-Cookie", "stream_client="+viewer.ClientKey+"/"+viewer.ID+"; path=/; max-age=30")
	}
}

// stream serves MJPEG until the viewer leaves.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, v cameraRequest) {
	var variant mjpeg.Variant
	if v.mode == ustreamer {
		variant.Prepare = func(h http.Header, viewer *viewers.Viewer) { setClientCookie(h, r, viewer) }
	}
	s.streams.ServeVariant(w, r, v.Target, variant)
}

// setUstreamerHeaders gives a snapshot ustreamer's headers.
func (v cameraRequest) setUstreamerHeaders(h http.Header, f *broker.Frame) {
	h.Set("X-UStreamer-Online", strconv.FormatBool(!f.Placeholder && v.Camera.Status().State == camera.Live))
	h.Set("X-UStreamer-Width", strconv.Itoa(f.Width))
	h.Set("X-UStreamer-Height", strconv.Itoa(f.Height))
}

// snapshot serves the newest picture.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, v cameraRequest) {
	variant := snapshot.Variant{NoStore: v.mode != native}
	if v.mode == ustreamer {
		variant.SetHeaders = v.setUstreamerHeaders
	}
	s.snapshots.ServeVariant(w, r, v.Target, variant)
}

// ustreamerStateJSON is the part of ustreamer's /state that its clients read. Rates are whole numbers there.
type ustreamerStateJSON struct {
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
		QueuedFPS   int                            `json:"queued_fps"`
		Clients     int                            `json:"clients"`
		ClientsStat map[string]ustreamerClientJSON `json:"clients_stat"`
	} `json:"stream"`
}

// ustreamerClientJSON is a viewer. camd has none of the variants of a stream, whatever was asked for.
type ustreamerClientJSON struct {
	FPS             int    `json:"fps"`
	ExtraHeaders    bool   `json:"extra_headers"`
	AdvanceHeaders  bool   `json:"advance_headers"`
	DualFinalFrames bool   `json:"dual_final_frames"`
	ZeroData        bool   `json:"zero_data"`
	Key             string `json:"key"`
}

func (s *Server) ustreamerState(w http.ResponseWriter, _ *http.Request, v cameraRequest) {
	st, clients := v.Camera.Status(), s.ustreamerClients(v.ID)
	var j ustreamerStateJSON
	j.InstanceID = v.ID
	j.Encoder.Type = "CPU"
	if st.Format.Passthrough {
		j.Encoder.Type = "HW" // ustreamer's word for JPEG that the camera made
	}
	j.Source.Resolution.Width, j.Source.Resolution.Height = st.Format.Width, st.Format.Height
	if topic, ok := v.Camera.Topic(camera.Main); ok {
		if f := topic.Newest(); f != nil { // of what is shown, as there, be it a placeholder
			j.Source.Resolution.Width, j.Source.Resolution.Height = f.Width, f.Height
		}
	}
	j.Source.Online = st.State == camera.Live
	j.Source.DesiredFPS, j.Source.CapturedFPS = roundFPS(st.Format.FPS), roundFPS(st.Counts.FPS)
	if len(clients) > 0 {
		j.Stream.QueuedFPS = j.Source.CapturedFPS
	}
	j.Stream.Clients, j.Stream.ClientsStat = len(clients), clients
	request.WriteJSON(w, http.StatusOK, map[string]any{"ok": true, "result": j})
}

func roundFPS(fps float64) int { return int(math.Round(fps)) }

// ustreamerClients returns the viewers of a camera by their IDs.
func (s *Server) ustreamerClients(id string) map[string]ustreamerClientJSON {
	now, all := time.Now(), map[string]ustreamerClientJSON{}
	for _, v := range s.viewers.Sorted() {
		if v.Camera == id {
			fps, _ := v.FPS(now)
			all[v.ID] = ustreamerClientJSON{FPS: roundFPS(fps), Key: cmp.Or(v.ClientKey, "0")}
		}
	}
	return all
}
