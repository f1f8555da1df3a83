package e2e

import (
	"bytes"
	"maps"
	"strings"
	"sync"
	"testing"
)

// A camd whose source is another camd serves the same bytes.
func TestCamdForwardsPicturesOfCamdUnchanged(t *testing.T) {
	t.Parallel()
	front := start(t, options{config: "cameras:\n  - {id: a, source: 'test://?size=320x180&fps=20', stall_timeout: 2m}\n"})
	back := start(t, options{config: "cameras:\n  - {id: b, source: '" + front.URL + "/cameras/a/stream.mjpg'}\n"})
	s := back.waitForState("b", "live")
	if f := s.Format; !f.Passthrough || f.Codec != "mjpeg" || f.Width != 320 || f.Height != 180 {
		t.Errorf("format %+v", f)
	}
	if o := camd(t, "healthcheck", "--url", back.URL+"/healthz"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	// Each viewer may miss some, so the pictures are compared by their frame number.
	original, copied := collectPictures(t, front.URL+"/cameras/a/stream.mjpg"), collectPictures(t, back.URL+"/cameras/b/stream.mjpg")
	eventually(t, "20 pictures that both viewers got", func() bool {
		common := 0
		for n, jpeg := range copied.get(t) {
			if other, ok := original.get(t)[n]; ok {
				common++
				if !bytes.Equal(jpeg, other) {
					t.Fatalf("picture %d: %d bytes became %d", n, len(other), len(jpeg))
				}
			}
		}
		return common >= 20
	})
	if strings.Contains(back.stderr.String(), `"refused"`) {
		t.Error("pictures were refused")
	}
}

// collectedPictures are the test pictures that a viewer got, by their frame number.
type collectedPictures struct {
	mu       sync.Mutex
	pictures map[uint32][]byte
	err      error
}

// collectPictures reads a stream until the test ends.
func collectPictures(t *testing.T, url string) *collectedPictures {
	t.Helper()
	v := watch(t, url)
	c := &collectedPictures{pictures: map[uint32][]byte{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p, err := v.read()
			n, ok := p.frameNumber()
			c.mu.Lock()
			if c.err = err; ok {
				c.pictures[n] = p.jpeg
			}
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { v.close(); <-done })
	return c
}

// get returns the pictures so far. The stream must not have ended.
func (c *collectedPictures) get(t *testing.T) map[uint32][]byte {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		t.Fatalf("after %d pictures: %v", len(c.pictures), c.err)
	}
	return maps.Clone(c.pictures)
}
