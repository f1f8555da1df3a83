package httpapi

import (
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"camd/pkg/access"
)

// assetRefs finds the files that a page, script or style loads.
var assetRefs = regexp.MustCompile(`(?:src|href)="(/[^"]*)"|from '\./([^']*)'`)

// pageFiles returns the paths of the dashboard's files.
func pageFiles() ([]string, error) {
	names, err := filepath.Glob("web/*.*")
	return slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) == ".go" }), err
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	names, err := pageFiles()
	if err != nil || len(names) < 10 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	there := map[string]bool{"/": true}
	for _, name := range names {
		there["/assets/"+path.Base(name)] = true
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range assetRefs.FindAllStringSubmatch(string(content), -1) {
			if want := m[1]; want != "" && !there[want] || m[2] != "" && !there["/assets/"+m[2]] {
				t.Errorf("%s loads %s%s, which is not there", name, m[1], m[2])
			}
		}
		text := strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", "")
		if strings.Contains(text, "://") && !strings.Contains(name, "uplot") {
			t.Errorf("%s names another host", name)
		}
	}
	for _, page := range []string{"/", "/cameras/a"} {
		resp := s.get(t, page)
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(body(t, resp), "<title>camd</title>") {
			t.Errorf("%s: policy %q", page, policy)
		}
		// Media Source Extensions play from a blob: address. No script may come from one.
		if !strings.Contains(policy, "media-src blob:;") || strings.Count(policy, "blob:") != 1 {
			t.Errorf("%s: policy %q", page, policy)
		}
	}
}

// A browser checks whether its cached files are still current.
func TestAssetsHaveTypesAndETags(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	names, err := pageFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		address := "/assets/" + path.Base(name)
		if path.Ext(name) == ".html" {
			continue
		}
		resp := s.get(t, address)
		if want := mime.TypeByExtension(path.Ext(name)); resp.StatusCode != 200 || want != "" && resp.Header.Get("Content-Type") != want {
			t.Errorf("%s: %s %s", address, resp.Status, resp.Header.Get("Content-Type"))
		}
		r, err := http.NewRequest(http.MethodGet, s.url+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("If-None-Match", resp.Header.Get("ETag"))
		again, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", address, again.Status)
		}
	}
	for _, address := range []string{"/assets/../server.go", "/assets/nothing.js", "/assets/pages.go", "/assets/camera.html", "/assets/"} {
		if resp := s.get(t, address); resp.StatusCode < 400 {
			t.Errorf("%s: %s", address, resp.Status)
		}
	}
}

// A browser gets a page with a way back for an address that it cannot open. Programs get a line of text, or JSON below /api.
func TestErrorPagesHaveAWayBack(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	const browser = "text/html,application/xhtml+xml"
	link := s.linkTo(t, "yard")
	for _, c := range []struct {
		path, accept string
		header       []string
		code         int
		contentType  string
		contents     []string
	}{
		{"/nowhere", browser, nil, 404, "text/html", []string{"<h1>Not found</h1>", `href="/">All cameras`}},
		{"/nowhere", "*/*", nil, 404, "text/plain", []string{"nothing at this address"}},
		{"/cameras/nope", browser, bearer(access.View, "all"), 404, "text/html", []string{"There is no camera &#34;nope&#34;", `href="/">All cameras`}},
		{"/cameras/shed", browser, bearer(access.View, "yard"), 404, "text/html", []string{"or you have no access to it"}},
		{"/cameras/shed?link=" + url.QueryEscape(link), browser, nil, 404, "text/html", []string{`href="/?link=`}},
		{"/cameras/nope", "*/*", bearer(access.View, "all"), 404, "text/plain", []string{"the cameras are "}},
		{"/api/v1/cameras/nope", browser, bearer(access.View, "all"), 404, "application/json", []string{"error"}},
		{"/cameras/yard", browser, bearer(access.Metrics, "all"), 403, "text/html", []string{"<h1>Not allowed</h1>", "the role view", `href="/">All cameras`, `href="/login?next=%2Fcameras%2Fyard"`}},
		{"/", browser, bearer(access.Metrics, "all"), 403, "text/html", []string{`href="/login?next=%2F"`}},
		{"/cameras/yard", "*/*", bearer(access.Metrics, "all"), 403, "text/plain", []string{"the role view is needed"}},
	} {
		resp := s.send(t, http.MethodGet, c.path, "", append(c.header, "Accept", c.accept)...)
		text := body(t, resp)
		if resp.StatusCode != c.code || !strings.HasPrefix(resp.Header.Get("Content-Type"), c.contentType) || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s for %s: %s, %v", c.path, c.accept, resp.Status, resp.Header)
		}
		for _, want := range c.contents {
			if !strings.Contains(text, want) {
				t.Errorf("%s for %s: no %s in %s", c.path, c.accept, want, text)
			}
		}
		if c.path == "/" && strings.Contains(text, "All cameras") {
			t.Error("the page at / leads to itself")
		}
	}
}
