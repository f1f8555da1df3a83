package e2e

import (
	"bytes"
	"strings"
	"testing"
)

// A camd whose source is another camd serves the same bytes.
func TestCamdForwardsPicturesOfCamdUnchanged(t *testing.T) {
	t.Parallel()
	front := start(t, options{config: "cameras:\n  - {id: a, source: 'test://?size=320x180&fps=20'}\n"})
	back := start(t, options{config: "cameras:\n  - {id: b, source: '" + front.URL + "/cameras/a/stream.mjpg'}\n"})
	s := back.waitForState("b", "live")
	if f := s.Format; !f.Passthrough || f.Codec != "mjpeg" || f.Width != 320 || f.Height != 180 {
		t.Errorf("format %+v", f)
	}
	if o := camd(t, "healthcheck", "--url", back.URL+"/healthz"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	// Either viewer may miss some, so they are compared by their frame number.
	original, copied := collectPictures(t, front.URL+"/cameras/a/stream.mjpg"), collectPictures(t, back.URL+"/cameras/b/stream.mjpg")
	first, second := <-original, <-copied
	common := 0
	for n, jpeg := range second {
		if other, ok := first[n]; ok {
			common++
			if !bytes.Equal(jpeg, other) {
				t.Errorf("picture %d: %d bytes became %d", n, len(other), len(jpeg))
			}
		}
	}
	if common < 20 {
		t.Errorf("of %d and %d pictures only %d are the same", len(first), len(second), common)
	}
	if strings.Contains(back.stderr.String(), `"refused"`) {
		t.Error("pictures were refused")
	}
}

// collectPictures reads 60 test pictures by their frame number.
func collectPictures(t *testing.T, url string) <-chan map[uint32][]byte {
	v := watch(t, url)
	done := make(chan map[uint32][]byte, 1)
	go func() {
		m := map[uint32][]byte{}
		for len(m) < 60 {
			p, err := v.read()
			if err != nil {
				t.Errorf("%s: %v", url, err)
				break
			}
			if n, ok := p.frameNumber(); ok {
				m[n] = p.jpeg
			}
		}
		done <- m
	}()
	return done
}
