package wall

import (
	"net/http"
	"strings"

	"camd/pkg/httpapi/request"
)

// MaxQueryBytes bounds the query of a wall's address: it has room for MaxCameras of the longest ids.
const MaxQueryBytes = 32 << 10

// initialCameras returns what a session begins with: the cameras of ?cameras=, each once, with their ?view=, and ?decodes=.
func initialCameras(r *http.Request) (o sessionOptions, bad *request.Error) {
	if n := len(r.URL.RawQuery); n > MaxQueryBytes {
		return o, request.Errorf(http.StatusBadRequest, "the query has %d bytes, more than the limit of %d: subscribe to more cameras over the connection", n, MaxQueryBytes)
	}
	var err error
	if o.View, err = parseView(r.FormValue("view")); err != nil {
		return o, request.Errorf(http.StatusBadRequest, "%v", err)
	}
	if list := r.FormValue("decodes"); list != "" {
		if o.Decodes, err = parseDecodes(strings.Split(list, ",")); err != nil {
			return o, request.Errorf(http.StatusBadRequest, "%v", err)
		}
	}
	seen := map[string]bool{"": true}
	for id := range strings.SplitSeq(r.FormValue("cameras"), ",") {
		if seen[id] {
			continue
		}
		if len(o.Cameras) == MaxCameras {
			return o, request.Errorf(http.StatusBadRequest, "?cameras= names more cameras than the limit of %d for one connection", MaxCameras)
		}
		seen[id] = true
		o.Cameras = append(o.Cameras, id)
	}
	return o, nil
}
