package e2e

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"camd/internal/testpeer"
)

// Responses of a daemon with working and failed cameras match openapi.json. Tests in pkg/httpapi cover the other responses.
func TestResponsesMatchOpenAPI(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: `
cameras:
  - {id: pattern, source: 'test://?size=320x176&fps=20', renditions: {tiny: {width: 160, fps: 2}}}
  - {id: clip, source: ` + mjpegClip.Make(t) + `}
  - {id: video, source: ` + h264Clip.Make(t) + `}
  - {id: web, source: '` + testpeer.ServeHTTP(t, webClip) + `'}
  - {id: no-server, source: 'rtsp://127.0.0.1:` + itoa(testpeer.FreePort(t)) + `/cam'}
  - {id: no-device, source: /dev/no-camera}
  - {id: no-file, source: /no/such.mp4}
  - {id: no-video, source: /etc/hostname}
  - {id: asleep, source: 'test://', on_demand: true}
`})
	for id, state := range map[string]string{
		"pattern": "live", "clip": "live", "video": "live", "web": "live", "asleep": "idle",
		"no-server": "offline", "no-device": "offline", "no-file": "offline", "no-video": "offline",
	} {
		d.waitForState(id, state)
	}
	_, _, text := get(t, d.URL+"/api/v1/openapi.json")
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder("image/jpeg", openapi3filter.PlainBodyDecoder)
	watcher := watch(t, d.URL+"/cameras/web/stream.mjpg")
	watcher.waitFor("a picture", func(p picture) bool { return isJPEG(p.jpeg) })
	slow := watch(t, d.URL+"/cameras/pattern/stream.mjpg?fps=1")
	slow.waitFor("a live picture", isLive)
	paths := []string{"/api/v1/cameras", "/api/v1/viewers", "/api/v1/viewers?camera=web", "/api/v1/viewers?camera=none", "/state", "/metrics",
		"/healthz", "/readyz", "/snapshot", "/?action=snapshot_1", "/api/v1/wall"}
	for id := range d.cameras() {
		paths = append(paths, "/api/v1/cameras/"+id, "/api/v1/cameras/"+id+"/controls", "/cameras/"+id+"/snapshot.jpg",
			"/cameras/"+id+"/snapshot.jpg?rendition=preview")
	}
	for _, path := range paths {
		request, err := http.NewRequest(http.MethodGet, d.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkDescribed(t, router, request)
	}
}

// checkDescribed makes a request and checks the answer against the description.
func checkDescribed(t *testing.T, router routers.Router, request *http.Request) {
	t.Helper()
	route, params, err := router.FindRoute(request)
	if err != nil {
		t.Errorf("%s: %v", request.URL, err)
		return
	}
	code, header, body := get(t, request.URL.String())
	err = openapi3filter.ValidateResponse(t.Context(), (&openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route},
		Status:                 code, Header: header,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}).SetBodyBytes(bytes.Clone(body)))
	if err != nil {
		t.Errorf("%s: %d, %.800v", request.URL, code, err)
	}
}
