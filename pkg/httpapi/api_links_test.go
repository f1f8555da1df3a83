package httpapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/access"
	"camd/pkg/httpapi/viewers"
)

func TestLinkGrantsOneCamera(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	yard, shed := newTestCamera("yard"), newTestCamera("shed")
	yard.publish(1)
	shed.publish(2)
	s := startServer(t, Options{Config: Config{Auth: access.New(authOptions(t))}, Log: zap.New(core)}, shed, yard)
	const kind, content = "Content-Type", "application/json"
	resp := s.send(t, http.MethodPost, "/api/v1/cameras/yard/links", `{"for": "2h"}`, append(bearer(access.Control, "yard"), kind, content)...)
	var made linkJSON
	if err := json.Unmarshal([]byte(body(t, resp)), &made); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	if lasting := time.Until(*made.Until); lasting > 2*time.Hour || lasting < time.Hour {
		t.Errorf("the link is valid for %s", lasting)
	}
	path := strings.TrimPrefix(made.Page, s.url)
	resp = s.get(t, path)
	if text := body(t, resp); !strings.Contains(text, `src="/cameras/yard/stream.mjpg?link=`) || resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page: %s %v %s", resp.Status, resp.Header, text)
	}
	_, stream := s.watch(t, strings.TrimPrefix(made.Stream, s.url))
	nextPicture(t, stream)

	query := path[strings.Index(path, "?"):]
	for path, want := range map[string]int{
		"/cameras/yard/snapshot.jpg" + query + "&max_age=1h": 200,
		"/api/v1/cameras/yard" + query:                       200,
		"/cameras/shed/snapshot.jpg" + query:                 404, // another camera's
		"/cameras/shed" + query:                              404,
		"/cameras/yard" + query[:len(query)-2]:               401, // forged
		"/cameras/yard" + query + query[1:]:                  401,
		"/api/v1/viewers" + query:                            403,
		"/metrics" + query:                                   403,
		"/cameras/yard?link=":                                401,
		"/cameras/yard?link=nonsense":                        401,
		"/cameras/yard/stream.mjpg?link=nonsense":            401,
	} {
		if resp := s.send(t, http.MethodGet, path, ""); resp.StatusCode != want {
			t.Errorf("%.60s: %s, want %d", path, resp.Status, want)
		}
	}
	if resp := s.send(t, http.MethodGet, "/"+query, ""); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/cameras/yard"+query {
		t.Errorf("/ leads to %s %s", resp.Status, resp.Header.Get("Location"))
	}
	if resp := s.send(t, http.MethodPatch, "/api/v1/cameras/yard"+query, `{"paused": true}`, kind, content); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a link turns a camera off: %s", resp.Status)
	}
	if resp := s.send(t, http.MethodPost, "/api/v1/cameras/yard/links"+query, `{"for": "2h"}`, kind, content); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a link creates links: %s", resp.Status)
	}
	control := append(bearer(access.Control, "yard"), kind, content)
	if text := body(t, s.send(t, http.MethodPost, "/api/v1/cameras/yard/links", `{"for": "721h"}`, control...)); !strings.Contains(text, "must be a duration from 1s to 720h,") {
		t.Errorf("too long: %s", text)
	}
	for _, e := range logs.All() {
		if text, _ := json.Marshal(e.ContextMap()); strings.Contains(string(text), query[6:30]) {
			t.Errorf("the log has the link: %s %s", e.Message, text)
		}
	}
}

// A link begins with the public URL of the server, which may be below a path of a proxy.
func TestLinksUseThePublicURL(t *testing.T) {
	for public, want := range map[string]string{"": "http://127.0.0.1:", "https://home.example/cams": "https://home.example/cams/cameras/yard"} {
		s := startServer(t, Options{Config: Config{Auth: access.New(authOptions(t)), PublicURL: public}}, newTestCamera("yard"))
		resp := s.send(t, http.MethodPost, "/api/v1/cameras/yard/links", `{"for": "2h"}`, append(bearer(access.Control, "yard"), "Content-Type", "application/json")...)
		var made linkJSON
		if err := json.Unmarshal([]byte(body(t, resp)), &made); err != nil || !strings.HasPrefix(made.Page, want) || !strings.HasPrefix(made.Stream, want) {
			t.Errorf("%q: %v, %.60s, %.60s", public, err, made.Page, made.Stream)
		}
	}
}

// Without a key, a requester with the needed role gets an answer that says what is missing.
func TestLinksNeedAKey(t *testing.T) {
	s := startServer(t, Options{Config: Config{Auth: access.New(access.Options{Tokens: allTokens(t)})}}, newTestCamera("yard"))
	resp := s.send(t, http.MethodPost, "/api/v1/cameras/yard/links", `{"for": "2h"}`, append(bearer(access.Control, "yard"), "Content-Type", "application/json")...)
	if text := body(t, resp); resp.StatusCode != http.StatusConflict || !strings.Contains(text, "set state_dir or auth.link_key_file") {
		t.Errorf("%s: %s", resp.Status, text)
	}
}

// A viewer whose grant ends is disconnected, on a plain or encrypted connection and on a wall. No other viewer is.
func TestStreamEndsWithTheGrant(t *testing.T) {
	for _, how := range []string{"plain", "tls", "http2"} {
		t.Run(how, func(t *testing.T) {
			yard := newTestCamera("yard")
			yard.publish(1)
			before := authOptions(t)
			o := Options{Config: Config{Auth: access.New(before), WriteTimeout: time.Hour}} // not every viewer reads
			var s *testServer
			if how == "plain" {
				s = startServer(t, o, yard)
			} else {
				s, _ = startTLS(t, o, how == "http2", yard)
			}
			ends := func(what string, resp *http.Response, want uint64) {
				t.Helper()
				done := make(chan struct{})
				go func() { defer close(done); _, _ = io.Copy(io.Discard, resp.Body) }()
				eventually(t, what+" is cut", func() bool {
					yard.publish(3) // a plain connection is found closed when it is written to
					return s.viewers.Stats().Cut[[2]string{"yard", viewers.CutAccess}] == want
				})
				<-done
			}
			stays := s.get(t, "/cameras/yard/stream.mjpg", bearer(access.View, "all")...)
			var brief string
			var linked *http.Response
			for lifetime := 2 * time.Second; ; lifetime *= 2 { // on a busy machine a link may expire before it is used
				var err error
				if brief, err = linkKey.Sign("yard", time.Now(), lifetime); err != nil {
					t.Fatal(err)
				}
				if linked = s.get(t, "/cameras/yard/stream.mjpg?link="+brief); linked.StatusCode == http.StatusOK {
					break
				}
				if lifetime > time.Minute {
					t.Fatalf("a link: %s", linked.Status)
				}
			}
			ends("one with a link that expires", linked, 1)
			if resp := s.get(t, "/cameras/yard/stream.mjpg?link="+brief); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body(t, resp), "expired") {
				t.Errorf("again: %s", resp.Status)
			}
			rotated := s.get(t, "/cameras/yard/stream.mjpg?link="+s.linkTo(t, "yard"))
			removed := s.get(t, "/cameras/yard/stream.mjpg", bearer(access.Control, "all")...)
			narrowed := s.get(t, "/cameras/yard/stream.mjpg", bearer(access.Admin, "all")...)
			eventually(t, "all watch", func() bool { return s.Viewers() == 4 })
			after := before
			after.LinkKey = access.LinkKey(strings.Repeat("j", 32))
			after.Tokens = nil
			for _, token := range before.Tokens {
				switch token.Name {
				case "control-all":
				case "admin-all":
					token.Cameras = access.Scope{"shed"}
					after.Tokens = append(after.Tokens, token)
				default:
					after.Tokens = append(after.Tokens, token)
				}
			}
			cfg := newConfig(Limits{}, yard)
			cfg.Auth, cfg.WriteTimeout = access.New(after), time.Hour
			s.SetConfig(cfg)
			for n, resp := range []*http.Response{rotated, removed, narrowed} {
				_, _ = io.Copy(io.Discard, resp.Body)
				if n == 2 {
					eventually(t, "all are counted", func() bool {
						yard.publish(4)
						return s.viewers.Stats().Cut[[2]string{"yard", viewers.CutAccess}] == 4
					})
				}
			}
			if s.Viewers() != 1 || stays.StatusCode != http.StatusOK {
				t.Errorf("%d viewers, want the one that still has access", s.Viewers())
			}
		})
	}
}

func TestWallEndsWithTheGrant(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	conn := dialWall(t, s, "?cameras=yard,shed&view=full", bearer(access.View, "yard")...)
	var received strings.Builder
	for !strings.Contains(received.String(), "error") || !strings.Contains(received.String(), `"yard"`) {
		received.WriteString(conn.read(t))
	}
	if text := received.String(); !strings.Contains(text, `no camera \"shed\": the cameras are yard`) {
		t.Errorf("of the shed it says %s", text)
	}
	eventually(t, "it watches", func() bool { return s.Viewers() == 1 })
	cfg := *s.config.Load()
	cfg.Auth = access.New(access.Options{})
	s.SetConfig(cfg.Config)
	conn.drain()
	eventually(t, "it has left", func() bool { return s.Viewers() == 0 })
}
