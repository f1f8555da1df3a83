package httpapi

import "time"

// Alive returns nil if all that sends pictures to viewers by itself has made progress since then, else an error that says what
// has not. Whether requests are answered, a request says.
func (s *Server) Alive(since time.Time) error { return s.streams.Alive(since) }

// Viewers returns how many there are.
func (s *Server) Viewers() int { return s.viewers.Count() }
