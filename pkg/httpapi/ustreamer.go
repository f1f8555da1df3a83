package httpapi

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// longestKey bounds ?key=, which PiKVM makes of eight letters.
const longestKey = 64

// keyOf is what a client of ustreamer gives to find itself in clients_stat; "0" without, as there.
func keyOf(r *http.Request) string {
	if key := url.QueryEscape(r.FormValue("key")); key != "" && len(key) <= longestKey {
		return key
	}
	return "0"
}

// greet tells a client of ustreamer which of clients_stat it is, if it gave a key to know the answer by. Nobody else gets
// a cookie.
func (v view) greet(h http.Header, r *http.Request, me *viewer) {
	if v.manner != ustreamer {
		return
	}
	if me.key = keyOf(r); me.key != "0" {
		h.Set("Set-Cookie", "stream_client="+me.key+"/"+me.id+"; path=/; max-age=30")
	}
}

// describe gives a snapshot ustreamer's headers.
func (v view) describe(h http.Header, f *broker.Frame) {
	if v.manner != ustreamer {
		return
	}
	h.Set("X-UStreamer-Online", strconv.FormatBool(!f.Placeholder && v.camera.Status().State == camera.Live))
	h.Set("X-UStreamer-Width", strconv.Itoa(f.Width))
	h.Set("X-UStreamer-Height", strconv.Itoa(f.Height))
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

// clientJSON is a viewer. camd has none of the variants of a stream, whatever was asked for.
type clientJSON struct {
	FPS             int    `json:"fps"`
	ExtraHeaders    bool   `json:"extra_headers"`
	AdvanceHeaders  bool   `json:"advance_headers"`
	DualFinalFrames bool   `json:"dual_final_frames"`
	ZeroData        bool   `json:"zero_data"`
	Key             string `json:"key"`
}

func (s *Server) ustreamerState(w http.ResponseWriter, _ *http.Request, v view) {
	st, clients := v.camera.Status(), s.audience.stats(v.id)
	var j stateJSON
	j.InstanceID = v.id
	j.Encoder.Type = "CPU"
	if st.Format.Passthrough {
		j.Encoder.Type = "HW" // ustreamer's word for JPEG that the camera made
	}
	j.Source.Resolution.Width, j.Source.Resolution.Height = st.Format.Width, st.Format.Height
	if topic, ok := v.camera.Topic(camera.Main); ok {
		if f := topic.Newest(); f != nil { // of what is shown, as there, be it a placeholder
			j.Source.Resolution.Width, j.Source.Resolution.Height = f.Width, f.Height
		}
	}
	j.Source.Online = st.State == camera.Live
	j.Source.DesiredFPS, j.Source.CapturedFPS = whole(st.Format.FPS), whole(st.Counts.FPS)
	if len(clients) > 0 {
		j.Stream.QueuedFPS = j.Source.CapturedFPS
	}
	j.Stream.Clients, j.Stream.ClientsStat = len(clients), clients
	writeJSON(w, http.StatusOK, map[string]any{"ok": true, "result": j})
}

func whole(fps float64) int { return int(math.Round(fps)) }

// stats returns the viewers of a camera by their IDs.
func (a *audience) stats(id string) map[string]clientJSON {
	now, all := time.Now(), map[string]clientJSON{}
	for _, v := range a.present() {
		if v.camera == id {
			fps, _ := v.FPS(now)
			all[v.id] = clientJSON{FPS: whole(fps), Key: v.key}
		}
	}
	return all
}
