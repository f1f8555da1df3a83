package rtsp

import (
	"sync"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"camd/internal/testpeer"
)

// requests are what a camera was sent.
type requests struct {
	mu  sync.Mutex
	all []*base.Request
}

// recordRequests keeps the requests to a camera.
func recordRequests(c *testpeer.RTSPCamera) *requests {
	r := &requests{}
	answer := c.Answer
	c.Answer = func(conn *testpeer.RTSPConn, request *base.Request) *base.Response {
		r.mu.Lock()
		r.all = append(r.all, request)
		r.mu.Unlock()
		if answer == nil {
			return nil
		}
		return answer(conn, request)
	}
	return r
}

// urls returns the paths of the requests of a method.
func (r *requests) urls(method base.Method) (paths []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.all {
		if one.Method == method {
			paths = append(paths, one.URL.Path)
		}
	}
	return paths
}
