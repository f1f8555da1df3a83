package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"camd/pkg/access"
)

// The tracks of a wall count like other viewers: in the limits, the list of viewers and the audit log. Roles and links give access to
// them.
func TestWallTracksAreSubjectToAccessAndLimits(t *testing.T) {
	t.Parallel()
	dir, token := t.TempDir(), access.NewToken()
	guest := camdWithInput(t, "guest password", "hash-password", "guest", "--cameras", "a").stdout
	d, _, _ := startWallCameras(t, fmt.Sprintf("state_dir: %s/state\nauth:\n  users_file: %s\n  tokens: {root: {role: admin, token_file: %s}}\nlimits: {viewers_per_camera: 1}\n",
		dir, write(t, dir, "users", guest), write(t, dir, "token", token)))
	basic := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("guest:guest password"))}}
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	dial := func(o wallOptions) *wallClient { o.decodes = []string{highH264}; return d.dialWall(t, o) }

	if _, answer, err := tryWall(t, d.URL, wallOptions{cameras: []string{"a"}}); err == nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without credentials: %v", err)
	}
	wall := dial(wallOptions{cameras: []string{"a"}, header: basic})
	wall.untilStream("a", "sub")
	wall.subscribe("b", "grid")
	wall.until("an error", func(e wallEvent) bool { return e.text != nil && e.text.Type == "error" && e.text.Camera == "b" })
	wall.subscribe("a", "full") // a limit that is reached does not refuse another track
	wall.untilStream("a", "video")
	if v := d.viewersAs(t, bearer); len(v) != 1 || v[0].Rendition != "video" || v[0].Transport != "websocket" || v[0].Sent == 0 {
		t.Errorf("viewers %+v", v)
	}

	link := makeLink(t, d, bearer, "a")
	linked := dial(wallOptions{cameras: []string{"a", "b"}, view: "full", link: link})
	isRefused := map[string]bool{}
	linked.until("errors", func(e wallEvent) bool {
		if e.text != nil && e.text.Type == "error" {
			isRefused[e.text.Camera] = true
		}
		return isRefused["a"] && isRefused["b"] // a for the limit, b for the link
	})
	wall.close()
	eventually(t, "the first viewer to leave", func() bool { return len(d.viewersAs(t, bearer)) == 0 })
	linked.subscribe("a", "full")
	linked.untilStream("a", "video")
	linked.close()
	eventually(t, "the second viewer to leave", func() bool { return len(d.viewersAs(t, bearer)) == 0 })
	log := d.stderr.String()
	for _, want := range []string{
		`view.begin guest sub`, `view.end guest sub track`, `view.begin guest video`, `view.end guest video left`, `view.begin link video`,
		`view.end link video left`,
	} {
		if !strings.Contains(auditedTracks(log), want) {
			t.Errorf("the audit log has no %q in %s", want, auditedTracks(log))
		}
	}
	if strings.Contains(log, link) {
		t.Error("the log has the link")
	}
}

// auditedTracks returns the views of an audit log, one a line: event, requester, rendition, reason.
func auditedTracks(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		var e struct{ Msg, Requester, Rendition, Reason string }
		if json.Unmarshal([]byte(line), &e) == nil && strings.HasPrefix(e.Msg, "view.") {
			fmt.Fprintln(&b, strings.TrimSpace(e.Msg+" "+e.Requester+" "+e.Rendition+" "+e.Reason))
		}
	}
	return b.String()
}

// viewersAs returns the list of viewers that somebody may see.
func (d *daemon) viewersAs(t *testing.T, header http.Header) []viewerInfo {
	t.Helper()
	var list struct{ Viewers []viewerInfo }
	if err := json.Unmarshal([]byte(fetch(t, http.MethodGet, d.URL+"/api/v1/viewers", "", header)), &list); err != nil {
		t.Fatal(err)
	}
	return list.Viewers
}

// makeLink returns the parameter link of a new link to a camera.
func makeLink(t *testing.T, d *daemon, header http.Header, camera string) string {
	t.Helper()
	header = header.Clone()
	header.Set("Content-Type", "application/json")
	var made struct{ Page string }
	if err := json.Unmarshal([]byte(fetch(t, http.MethodPost, d.URL+"/api/v1/cameras/"+camera+"/links", `{"for": "1h"}`, header)), &made); err != nil {
		t.Fatal(err)
	}
	page, err := url.Parse(made.Page)
	if err != nil || page.Query().Get("link") == "" {
		t.Fatalf("link %q: %v", made.Page, err)
	}
	return page.Query().Get("link")
}
