// Package compat serves the addresses of mjpg-streamer and ustreamer. The pictures come from packages mjpeg and snapshot; headers
// differ as the clients of these programs expect.
package compat

import (
	"net/http"

	"camd/pkg/access"
	"camd/pkg/httpapi/mjpeg"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/snapshot"
	"camd/pkg/httpapi/viewers"
)

// Cameras finds cameras as mjpg-streamer numbers its inputs.
type Cameras interface {
	// NumberedCamera returns a camera by its position, from 0, among those that the grant can see.
	NumberedCamera(number int, g access.Grant) (request.Target, *request.Error)
}

// Options of a server. All are required.
type Options struct {
	Cameras   Cameras
	Streams   *mjpeg.Server
	Snapshots *snapshot.Server
	Viewers   *viewers.Registry
}

// Server answers as mjpg-streamer and ustreamer do. Its methods are safe for concurrent use.
type Server struct{ opts Options }

// New returns a server.
func New(o Options) *Server { return &Server{o} }

// camera returns a camera by its number. If there is none, it answers the request and ok is false.
func (s *Server) camera(w http.ResponseWriter, r *http.Request, number int) (target request.Target, ok bool) {
	target, bad := s.opts.Cameras.NumberedCamera(number, request.RequesterOf(r).Grant)
	if bad != nil {
		bad.Fail(w, r)
		return target, false
	}
	return target, true
}
