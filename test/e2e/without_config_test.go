package e2e

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Without a configuration camd serves a test pattern.
func TestDaemonWithoutConfigurationServesTestPattern(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/etc/camd/camd.yaml"); err == nil {
		t.Skip("this machine has a configuration in /etc/camd")
	}
	d := start(t, options{})
	s := d.waitForState("test", "live")
	if f := s.Format; f.Codec != "test" || f.Width != 1280 || f.Height != 720 || f.Passthrough || s.Worker.PID == 0 {
		t.Errorf("camera %+v", s)
	}

	t.Run("snapshot", func(t *testing.T) {
		code, _, body := get(t, d.URL+"/cameras/test/snapshot.jpg")
		if code != http.StatusOK {
			t.Fatalf("%d: %s", code, body)
		}
		img, err := jpeg.Decode(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != 1280 || b.Dy() != 720 {
			t.Errorf("size %v, want 1280x720", b)
		}
	})
	t.Run("stream", func(t *testing.T) {
		v := watch(t, d.URL+"/cameras/test/stream.mjpg")
		last := v.waitFor("a live picture", isLive)
		n, _ := last.frameNumber()
		for range 8 {
			p := v.waitFor("a live picture", isLive)
			if m, _ := p.frameNumber(); m < n || m == n && p.captured != last.captured {
				t.Errorf("picture %d after %d", m, n)
			} else if n = m; p.captured.Before(last.captured) {
				t.Errorf("taken at %v after %v", p.captured, last.captured)
			}
			last = p
		}
	})
	t.Run("healthcheck", func(t *testing.T) {
		if o := camd(t, "healthcheck", "--url", d.URL+"/healthz"); o.code != 0 || o.stdout != "ok\n" {
			t.Errorf("%+v", o)
		}
		if o := camd(t, "healthcheck", "--url", d.URL+"/nothing"); o.code != 1 || !strings.Contains(o.stderr, "404") {
			t.Errorf("%+v", o)
		}
	})
	t.Run("ready", func(t *testing.T) {
		if code, _, body := get(t, d.URL+"/readyz"); code != http.StatusOK {
			t.Errorf("%d: %s", code, body)
		}
	})
}
