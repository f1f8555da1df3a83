package httpapi

import (
	"net/http"
	"strings"

	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/wall"
)

// maxWallQuery bounds the query of a wall's address: as many of the longest ids as may be, with room to spare.
const maxWallQuery = 32 << 10

// initialCameras returns the cameras that a wall's address names, each once.
func initialCameras(r *http.Request) ([]string, *request.Error) {
	if n := len(r.URL.RawQuery); n > maxWallQuery {
		return nil, request.Errorf(http.StatusBadRequest, "a query of %d bytes, want at most %d; subscribe to further cameras over the connection", n, maxWallQuery)
	}
	var cameras []string
	seen := map[string]bool{"": true}
	for id := range strings.SplitSeq(r.FormValue("cameras"), ",") {
		if seen[id] {
			continue
		}
		if len(cameras) == wall.MaxCameras {
			return nil, request.Errorf(http.StatusBadRequest, "?cameras= names more than %d, as many as one connection may have", wall.MaxCameras)
		}
		seen[id] = true
		cameras = append(cameras, id)
	}
	return cameras, nil
}
