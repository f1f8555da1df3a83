package wall

import (
	"fmt"
	"slices"
	"time"

	"camd/pkg/camera"
)

// view is how large a client shows a camera.
type view int

const (
	viewGrid view = iota // small, among others
	viewFull             // as large as the page
)

var viewNames = []string{viewGrid: "grid", viewFull: "full"}

// parseView reads a view. Empty is viewGrid.
func parseView(text string) (view, error) {
	if text == "" {
		return viewGrid, nil
	}
	if i := slices.Index(viewNames, text); i >= 0 {
		return view(i), nil
	}
	return viewGrid, fmt.Errorf("unknown view %q: the views are grid and full", text)
}

func (v view) String() string { return viewNames[v] }

// Reasons for which a client gets another track than the best one of its view, as the protocol has them.
const (
	reasonDecoder = "decoder" // the client cannot decode a better one
	reasonLink    = "link"    // the connection carries too little
	reasonCamera  = "camera"  // the camera sends no video now
)

// previewRendition is the rendition for grids, if the camera has it.
const previewRendition = "preview"

// linkJPEGPeriod is the time between pictures for a connection that carries no video.
const linkJPEGPeriod = time.Second

// trackState is what is known of a track of video.
type trackState struct {
	name   string
	exists bool   // the camera has it, or may have it because it has not opened
	codec  string // as broker.Format.CodecString; empty before the first frame
	sends  bool   // it has frames now, or may have some soon
}

// candidates is what a camera can send to a client.
type candidates struct {
	view       view
	video, sub trackState
	jpeg       []string // renditions of the camera
	waiting    bool     // the camera has not opened yet, so that its tracks may send soon
}

// choice is the track for a client.
type choice struct {
	track   string // of video, or a rendition
	isVideo bool
	period  time.Duration // the least time between JPEGs; 0 means all
	reason  string        // why it is not the best track of the view; empty if it is
}

// choose chooses the track that a client gets. failed reports whether the client has failed to decode a track with a codec.
func choose(c candidates, can decodable, failed func(track, codec string) bool, level linkLevel) choice {
	order := []trackState{c.sub, c.video}
	if c.view == viewFull {
		order = []trackState{c.video, c.sub}
	}
	reason, isSlow := "", false
	for _, t := range order {
		if !t.exists {
			continue
		}
		obstacle := c.obstacle(t, can, failed, level)
		if obstacle == "" {
			return choice{track: t.name, isVideo: true, reason: reason}
		}
		isSlow = isSlow || obstacle == reasonLink
		if reason == "" {
			reason = obstacle
		}
	}
	jpeg := choice{track: camera.Main, reason: reason}
	if c.view == viewGrid && slices.Contains(c.jpeg, previewRendition) {
		jpeg.track = previewRendition
	}
	if isSlow || level == linkJPEG {
		jpeg.period, jpeg.reason = linkJPEGPeriod, reasonLink
	}
	return jpeg
}

// obstacle returns why a client does not get a track of video. It is empty if nothing prevents it.
func (c candidates) obstacle(t trackState, can decodable, failed func(track, codec string) bool, level linkLevel) string {
	isUnknown := t.codec == "" && !can.isEmpty() // the first frame decides
	switch {
	case !isUnknown && (!can.covers(t.codec) || failed(t.name, t.codec)):
		return reasonDecoder
	case !t.sends && !c.waiting:
		return reasonCamera
	case level == linkJPEG, level == linkSub && t.name == camera.Video:
		return reasonLink
	}
	return ""
}
