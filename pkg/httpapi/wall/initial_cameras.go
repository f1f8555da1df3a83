package wall

import (
	"net/http"
	"strings"

	"camd/pkg/httpapi/request"
)

// MaxQueryBytes bounds the query of a wall's address: it has room for MaxCameras of the longest ids.
const MaxQueryBytes = 32 << 10

// initialCameras returns the cameras of ?cameras=, each once.
func initialCameras(r *http.Request) ([]string, *request.Error) {
	if n := len(r.URL.RawQuery); n > MaxQueryBytes {
		return nil, request.Errorf(http.StatusBadRequest, "the query has %d bytes, more than the limit of %d: subscribe to more cameras over the connection", n, MaxQueryBytes)
	}
	var cameras []string
	seen := map[string]bool{"": true}
	for id := range strings.SplitSeq(r.FormValue("cameras"), ",") {
		if seen[id] {
			continue
		}
		if len(cameras) == MaxCameras {
			return nil, request.Errorf(http.StatusBadRequest, "?cameras= names more cameras than the limit of %d for one connection", MaxCameras)
		}
		seen[id] = true
		cameras = append(cameras, id)
	}
	return cameras, nil
}
