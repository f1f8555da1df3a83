package wall

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// A query names at most MaxCameras cameras, each once and none empty.
func FuzzInitialCameras(f *testing.F) {
	for _, query := range []string{
		"", "cameras=a,plain,,a", "cameras=" + strings.Repeat("x,", 300), "cameras=a&cameras=b", "cameras=%00", "a=1;b=2", "%", strings.Repeat("a", 5000),
		"view=full&decodes=avc1.640028,nonsense", "view=huge", "decodes=" + strings.Repeat("a,", 40),
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		r.URL.RawQuery = query
		o, bad := initialCameras(r)
		cameras := o.Cameras
		if bad == nil && (len(cameras) > MaxCameras || len(slices.Compact(slices.Sorted(slices.Values(cameras)))) != len(cameras) || slices.Contains(cameras, "")) {
			t.Errorf("the wall begins with %q", cameras)
		}
	})
}
