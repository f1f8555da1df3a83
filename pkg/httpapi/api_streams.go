package httpapi

import (
	"time"

	"camd/pkg/access"
	"camd/pkg/camera"
)

// streamJSON is a rendition as it is made now. Detail is empty unless the role is admin.
type streamJSON struct {
	Name       string        `json:"name"`
	Track      string        `json:"track"` // that is decoded; empty if no decoder makes the pictures
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Detail     string        `json:"detail"`
	Since      *time.Time    `json:"since"`
}

// decoderJSON is what makes JPEGs of a track. Detail is empty unless the role is admin.
type decoderJSON struct {
	Track      string        `json:"track"`
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Detail     string        `json:"detail"`
	Since      *time.Time    `json:"since"`
	PID        int           `json:"pid"`
	Starts     uint64        `json:"starts"`
	RunSeconds float64       `json:"run_seconds"`
	CPUSeconds float64       `json:"cpu_seconds"`
	RSSBytes   uint64        `json:"rss_bytes"`
	Pictures   uint64        `json:"pictures"`
}

func streamsOf(s camera.Status, g access.Grant) []streamJSON {
	all := []streamJSON{}
	for _, st := range s.Streams {
		all = append(all, streamJSON{
			Name: st.Name, Track: st.Track,
			State: st.State, Reason: st.Reason, ReasonText: st.Reason.Text(), Detail: forAdmin(g, s.ID, st.Detail), Since: jsonTime(st.Since),
		})
	}
	return all
}

func decodersOf(s camera.Status, g access.Grant) []decoderJSON {
	all := []decoderJSON{}
	for _, d := range s.Decoders {
		all = append(all, decoderJSON{
			Track: d.Track,
			State: d.State, Reason: d.Reason, ReasonText: d.Reason.Text(), Detail: forAdmin(g, s.ID, d.Detail), Since: jsonTime(d.Since),
			PID: d.PID, Starts: d.Starts, RunSeconds: d.RunSeconds, CPUSeconds: d.CPUSeconds, RSSBytes: d.RSSBytes, Pictures: d.Pictures,
		})
	}
	return all
}
