package request

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Error says why a request cannot be served, in words for people.
type Error struct {
	Code    int // the HTTP status
	Message string
}

// Errorf returns an Error with a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Message }

// Fail answers with the error.
func (e *Error) Fail(w http.ResponseWriter, r *http.Request) { Fail(w, r, e.Code, e.Message) }

// Fail answers with an error: JSON below /api, a line of text elsewhere.
func Fail(w http.ResponseWriter, r *http.Request, code int, message string) {
	w.Header().Set("Cache-Control", "no-store")
	if isRetryable(code) && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "2")
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		WriteJSON(w, code, map[string]string{"error": message})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, message)
}

// isRetryable reports whether an answer with this status has a Retry-After header.
func isRetryable(code int) bool {
	return code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests
}

// WriteJSON answers with v as JSON.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client left
}

// DisableCaching keeps a picture out of every cache, HTTP/1.0 caches included.
func DisableCaching(h http.Header) {
	h.Set("Cache-Control", "no-store, no-cache, must-revalidate, no-transform")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "Mon, 03 Jan 2000 12:34:56 GMT")
}
