package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
)

// maxJSON bounds the JSON body of a request. Forty controls take less than half of it.
const maxJSON = 4 << 10

// readJSON reads the JSON body of a request. It requires Content-Type: application/json, because browsers send other types for the forms
// of other sites without a preflight request.
func readJSON(w http.ResponseWriter, r *http.Request, to any, example string) *request.Error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return request.Errorf(http.StatusUnsupportedMediaType, "the Content-Type must be application/json: send it with a body such as %s", example)
	}
	// Tests without a connection have no deadlines.
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err == nil { // otherwise net/http waits for the rest of it
		_ = deadline.SetReadDeadline(time.Time{})
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return request.Errorf(http.StatusRequestEntityTooLarge, "the body is larger than the limit of %d bytes", maxJSON)
	}
	if err != nil {
		return request.Errorf(http.StatusBadRequest, "the body did not arrive completely, or not in time")
	}
	return parseJSON(body, to, example)
}

func parseJSON(body []byte, to any, example string) *request.Error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	err := dec.Decode(to)
	if _, more := dec.Token(); err == nil && more != io.EOF {
		err = errors.New("there is more text after the JSON object")
	}
	if err != nil {
		return request.Errorf(http.StatusBadRequest, "the body is not valid: %s; send a body such as %s", strings.TrimPrefix(err.Error(), "json: "), example)
	}
	return nil
}

// forAdmin returns a text about a camera if the role at that camera is admin, and an empty text otherwise. It is for texts that may hold
// internal addresses, user names or paths. Many programs write such texts, so nothing can be removed from them reliably.
func forAdmin(g access.Grant, camera, text string) string {
	if !g.Allows(access.Admin, camera) {
		return ""
	}
	return text
}

func jsonTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// nonzero returns the counts that are not zero.
func nonzero[K comparable](counts map[K]uint64) map[K]uint64 {
	m := map[K]uint64{}
	for k, n := range counts {
		if n > 0 {
			m[k] = n
		}
	}
	return m
}
