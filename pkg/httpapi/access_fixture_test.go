package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"camd/pkg/access"
)

// testToken returns a token with a role. Its scope is all, or the name of a camera.
func testToken(role access.Role, scope string) string {
	return "camd_" + strings.Repeat("x", access.MinTokenLength) + string(role) + "-" + scope
}

// annasHash is the hash of the password hunter2. It is made once, because that takes time.
var annasHash = sync.OnceValue(func() access.Hash {
	h, err := access.ParseHash(access.HashPassword("hunter2"))
	if err != nil {
		panic(err)
	}
	return h
})

// allTokens returns a token of each role for all cameras, and one for the yard only.
func allTokens(t *testing.T) (all []access.Token) {
	t.Helper()
	for _, role := range access.Roles {
		for scope, cameras := range map[string]access.Scope{"all": nil, "yard": {"yard"}, "none": {"nothing-*"}} {
			sum, err := access.HashToken(testToken(role, scope))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, access.Token{Name: string(role) + "-" + scope, Hash: sum, Permission: access.Permission{Role: role, Cameras: cameras}})
		}
	}
	return all
}

var linkKey = access.LinkKey(strings.Repeat("k", 32))

// authOptions returns options with all tokens, links, and the user anna, who has the role control at the yard.
func authOptions(t *testing.T) access.Options {
	t.Helper()
	return access.Options{Tokens: allTokens(t), LinkKey: linkKey, Users: []access.User{
		{Name: "anna", Hash: annasHash(), Permission: access.Permission{Role: access.Control, Cameras: access.Scope{"yard"}}},
	}}
}

func bearer(role access.Role, scope string) []string {
	return []string{"Authorization", "Bearer " + testToken(role, scope)}
}

// startWithAuth serves a yard and a shed with access control.
func startWithAuth(t *testing.T, o access.Options) (s *testServer, yard, shed *testCamera) {
	t.Helper()
	yard, shed = newTestCamera("yard"), newTestCamera("shed")
	yard.publish(1)
	shed.publish(2)
	return startServer(t, Options{Config: Config{Auth: access.New(o)}}, shed, yard), yard, shed
}

// send sends a request with a body. It follows no redirect.
func (s *testServer) send(t *testing.T, method, path, text string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// logIn sends the form of the login page.
func (s *testServer) logIn(t *testing.T, user, password, next string) *http.Response {
	t.Helper()
	form := url.Values{"user": {user}, "password": {password}, "next": {next}}
	return s.send(t, http.MethodPost, "/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// wallClient is a client of a wall.
type wallClient struct {
	*websocket.Conn
	ctx context.Context
}

func dialWall(t *testing.T, s *testServer, query string, header ...string) wallClient {
	t.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, _, err := websocket.Dial(t.Context(), s.url+"/api/v1/wall"+query, &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return wallClient{conn, t.Context()}
}

// read returns the next message.
func (w wallClient) read(t *testing.T) string {
	t.Helper()
	_, b, err := w.Read(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// drain reads until the connection ends.
func (w wallClient) drain() {
	for {
		if _, _, err := w.Read(w.ctx); err != nil {
			return
		}
	}
}
