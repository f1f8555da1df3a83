package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"camd/pkg/camera"
	"camd/pkg/httpapi/compat"
	"camd/pkg/httpapi/mjpeg"
)

// serveRequest answers one request of a client that has left.
func serveRequest(t *testing.T, s *Server, method, address, query string, body io.Reader, header ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that nothing waits for a picture
	r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1"+address, body)
	r.URL.RawQuery = query
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

// newUnservedServer returns a server without a listener. It has a camera with controls and one without.
func newUnservedServer(f *testing.F) (*Server, *pausableCamera) {
	c, plain := &pausableCamera{adjustableCamera: newAdjustableCamera()}, newTestCamera("plain")
	c.publish(1)
	plain.publish(2)
	s := New(Options{Config: Config{Cameras: map[string]Camera{"a": c, "plain": plain}, Order: []string{"a", "plain"}}})
	f.Cleanup(s.streams.Close)
	return s, c
}

// The answer depends only on the query. A valid query is served. All others are refused with one line, which nothing in the query can
// break or enlarge.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "rendition=main&fps=5", "rendition=preview", "fps=1e3", "fps=0x1p-2", "fps=NaN", "fps=-1", "fps=%35", "fps=5&fps=x", "max_age=500ms", "max_age=0.5",
		"max_age=-1s", "max_age=1e300", "max_age=%2BInf", "max_age=NaN", "max_age=-0", "max_age=2562047h47m16.854775807s", "max_age=9223372036854775807ns", "fresh=2", "fresh=0&max_age=1h", "cameras=a,plain,,a", "cameras=" + strings.Repeat("x,", 300),
		"action=stream", "action=snapshot_1&1700000000", "action=stream_18446744073709551616", "?action=snapshot;5", "action=command&id=1", "action=%73tream_%31",
		"action=%zz", "a=1;b=2", "%", "key=abcdefgh", "key=%00%0d%0aSet-Cookie:x", "rendition=%ff%e2%80%a8%1b[2J", "camera=a", "camera=%0a", strings.Repeat("a", 5000),
	} {
		f.Add(q)
	}
	s, _ := newUnservedServer(f)
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query) // broken parts are left out, as the server does
		rendition := values.Get("rendition")
		known := rendition == "" || rendition == camera.Main
		fps, err := strconv.ParseFloat(values.Get("fps"), 64)
		validFPS := values.Get("fps") == "" || err == nil && fps > 0 && fps <= mjpeg.MaxFPS
		validFresh := slices.Contains([]string{"", "0", "false", "1", "true"}, values.Get("fresh"))

		for _, path := range []string{"/cameras/a/stream.mjpg", "/stream", "/cameras/a/snapshot.jpg", "/snapshot"} {
			stream := strings.Contains(path, "stream")
			got := serveRequest(t, s, http.MethodHead, path, query, nil).StatusCode
			switch {
			case !known && got != 404, known && stream && (got == 200) != validFPS, known && stream && !validFPS && got != 400,
				known && !stream && !validFresh && got != 400, known && got == 404:
				t.Errorf("%s?%s: %d", path, query, got)
			}
		}
		for _, address := range []string{"/cameras/a/stream.mjpg", "/api/v1/wall", "/api/v1/viewers", "/"} {
			if address == "/cameras/a/stream.mjpg" && known && validFPS || address == "/" && strings.HasPrefix(string(compat.ParseAction(query)), "s") {
				continue // a stream, or a snapshot that may wait
			}
			checkErrorLine(t, serveRequest(t, s, http.MethodGet, address, query, nil), len(query))
		}
	})
}

// checkErrorLine checks a refusal: JSON below /api, a line elsewhere. It must not be much longer than the request.
func checkErrorLine(t *testing.T, answer *http.Response, inputSize int) {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode < 400 {
		return
	}
	text := string(b)
	if answer.Header.Get("Content-Type") == "application/json" {
		var j struct{ Error string }
		if err := json.Unmarshal(b, &j); err != nil || j.Error == "" {
			t.Fatalf("%s, %v", b, err)
		}
		text = j.Error
	}
	text = strings.TrimSuffix(text, "\n")
	if len(b) > 12*inputSize+500 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) }) {
		t.Errorf("%d: %q", answer.StatusCode, text)
	}
}

// A PATCH makes the changes that encoding/json reads in its body, or none.
func FuzzPatch(f *testing.F) {
	for _, body := range []string{
		`{"paused": true}`, `{"paused": false, "controls": {"brightness": 1}}`, `{"controls": {"flip": true, "power_line_frequency": "60 Hz"}}`,
		`{"controls": {"brightness": 1e3}}`, `{"controls": {"brightness": 9223372036854775808}}`, `{"controls": {"": null}}`, `{"paused": null}`,
		`{"paused": true} {}`, `{"PAUSED": true}`, `{"paused": true, "paused": false}`, `[]`, `null`, ``, `{"x": 1}`, "\xef\xbb\xbf{}", `{"controls": {"a\u0000\n": [{}]}}`,
		strings.Repeat(`{"controls":`, 300), `{"controls": {"` + strings.Repeat("x", maxJSON) + `": 1}}`,
	} {
		f.Add([]byte(body), "application/json")
	}
	f.Add([]byte(`{"paused": true}`), "text/plain")
	f.Add([]byte(`{"paused": true}`), "application/json; charset=\"utf-8")
	s, c := newUnservedServer(f)
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		c.set, c.pauses = nil, nil
		answer := serveRequest(t, s, http.MethodPatch, "/api/v1/cameras/a", "", bytes.NewReader(body), "Content-Type", kind)
		checkErrorLine(t, answer, len(body))
		var decoded patchJSON
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		valid := json.Valid(body) && dec.Decode(&decoded) == nil
		switch {
		case answer.StatusCode == http.StatusOK:
			if !valid || len(body) > maxJSON || !strings.Contains(strings.ToLower(kind), "application/json") {
				t.Fatalf("%q of %q was taken", body, kind)
			}
			if want, err := decoded.settings(); err != nil || len(want) > 0 && !reflect.DeepEqual(c.set, want) || len(want) == 0 && c.set != nil {
				t.Errorf("%s: set %v, want %v, %v", body, c.set, want, err)
			}
			if decoded.Paused == nil && c.pauses != nil || decoded.Paused != nil && !slices.Equal(c.pauses, []bool{*decoded.Paused}) {
				t.Errorf("%s: turned %v", body, c.pauses)
			}
		case answer.StatusCode < 400 || answer.StatusCode > 415:
			t.Errorf("%q: %s", body, answer.Status)
		case c.set != nil || c.pauses != nil:
			t.Errorf("%q was refused with %d, and %v %v done", body, answer.StatusCode, c.set, c.pauses)
		}
	})
}
