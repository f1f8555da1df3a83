package e2e

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// state has the fields of a camera in /api/v1 that tests read.
type state struct {
	ID         string
	Title      string
	Source     string
	State      string
	Paused     bool
	Reason     string
	ReasonText string `json:"reason_text"`
	Detail     string
	Since      *time.Time
	FPS        float64
	Viewers    int
	Format     struct {
		Backend, Codec string
		Width, Height  int
		FPS            float64
		Passthrough    bool
	}
	Tracks []struct {
		Name, State, Codec string
	}
	Counts struct {
		Captured, Published uint64
		Refused, Restarts   map[string]uint64
	}
	Worker struct {
		PID int
		RSS uint64 `json:"rss_bytes"`
	}
}

// sendsVideo reports whether a track is live.
func (s state) sendsVideo(track string) bool {
	for _, t := range s.Tracks {
		if t.Name == track {
			return t.State == "live"
		}
	}
	return false
}

// cameras returns every camera by its id.
func (d *daemon) cameras() map[string]state {
	d.t.Helper()
	var list struct{ Cameras []state }
	d.getJSON("/api/v1/cameras", &list)
	m := map[string]state{}
	for _, c := range list.Cameras {
		m[c.ID] = c
	}
	return m
}

func (d *daemon) camera(id string) state {
	d.t.Helper()
	var s state
	d.getJSON("/api/v1/cameras/"+id, &s)
	return s
}

// waitForState waits until a camera's state is want.
func (d *daemon) waitForState(id, want string) state {
	d.t.Helper()
	return d.waitForCamera(id, want, func(s state) bool { return s.State == want })
}

// waitForCamera waits until ok is true for a camera.
func (d *daemon) waitForCamera(id, what string, ok func(state) bool) state {
	d.t.Helper()
	var s state
	defer func() {
		if !ok(s) {
			d.t.Logf("camera %s is %s (%s: %s)", id, s.State, s.Reason, s.Detail)
		}
	}()
	eventually(d.t, "camera "+id+" to be "+what, func() bool {
		s = d.camera(id)
		return ok(s)
	})
	return s
}

func (d *daemon) getJSON(path string, into any) {
	d.t.Helper()
	code, _, body := get(d.t, d.URL+path)
	if code != http.StatusOK {
		d.t.Fatalf("%s: %d %s", path, code, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		d.t.Fatalf("%s: %v in %s", path, err, body)
	}
}

// get fetches an address whose answer ends.
func get(t testing.TB, url string, header ...string) (int, http.Header, []byte) {
	t.Helper()
	return request(t, http.MethodGet, url, header...)
}

// request makes a request. header has names and values in turn.
func request(t testing.TB, method, url string, header ...string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := closingClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, body
}

// closingClient is for answers that end. It keeps no connections open, so that camd need not wait for them when it stops.
var closingClient = &http.Client{Timeout: testTimeout, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: insecureTLS}}

// insecureTLS is for tests that do not verify camd's certificate. Tests that verify it use curl, healthcheck or a browser.
var insecureTLS = &tls.Config{InsecureSkipVerify: true}

func itoa(n int) string { return strconv.Itoa(n) }
