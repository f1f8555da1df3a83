package compat

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/snapshot"
)

// Action is what a client of mjpg-streamer requests at /. It is stream or snapshot, and either may end in _N for camera number N. Text
// after that does not matter. Action is empty if the query has no action.
type Action string

// ServesPictures reports whether the answer to the action is a stream or a snapshot.
func (a Action) ServesPictures() bool { return a.isStream() || a.isSnapshot() }

func (a Action) isStream() bool { return strings.HasPrefix(string(a), "stream") }

func (a Action) isSnapshot() bool { return strings.HasPrefix(string(a), "snapshot") }

// ServeAction serves /?action=, as mjpg-streamer does.
func (s *Server) ServeAction(w http.ResponseWriter, r *http.Request, a Action) {
	switch {
	case a.isStream():
		if target, ok := s.camera(w, r, a.cameraNumber()); ok {
			s.opts.Streams.Serve(w, r, target)
		}
	case a.isSnapshot():
		if target, ok := s.camera(w, r, a.cameraNumber()); ok {
			s.opts.Snapshots.ServeVariant(w, r, target, snapshot.Variant{NoStore: true})
		}
	case strings.HasPrefix(string(a), "command"), strings.HasPrefix(string(a), "take"):
		request.Fail(w, r, http.StatusNotImplemented, "camd does not support mjpg-streamer's commands: set controls by PATCH /api/v1/cameras/{camera}")
	default:
		request.Fail(w, r, http.StatusBadRequest, fmt.Sprintf("unknown action=%q: use stream or snapshot, with _N for camera number N", string(a)))
	}
}

// ParseAction finds action= in a query. mjpg-streamer compares only the beginning of the query, so its clients append any text to get
// past caches: "&1700000000", "?t=5", ";5". ustreamer finds action= anywhere.
func ParseAction(query string) Action {
	for piece := range strings.FieldsFuncSeq(query, func(c rune) bool { return strings.ContainsRune("&?;", c) }) {
		if value, ok := strings.CutPrefix(piece, "action="); ok {
			if plain, err := url.QueryUnescape(value); err == nil {
				return Action(plain)
			}
			return Action(value)
		}
	}
	return ""
}

// cameraNumber returns N of _N. It is 0 without _N or if N is not a number, as in mjpg-streamer.
func (a Action) cameraNumber() int {
	_, digits, _ := strings.Cut(string(a), "_")
	if end := strings.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, _ := strconv.Atoi(digits) // the largest int if it is out of range; 0 if it is empty
	return n
}
