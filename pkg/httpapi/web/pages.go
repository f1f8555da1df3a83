package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"

	"camd/pkg/httpapi/request"
)

//go:embed *.css *.html *.js *.svg *.LICENSE
var files embed.FS

// Pages are the files of the dashboard, each with an ETag. Embedded files have no modification time by which a browser could check for
// changes. The methods are safe for concurrent use.
type Pages struct {
	tags                map[string]string
	login, link, errors *template.Template
}

// New returns the pages.
func New() *Pages {
	p := &Pages{
		tags:   map[string]string{},
		login:  template.Must(template.ParseFS(files, "login.html")),
		link:   template.Must(template.ParseFS(files, "link.html")),
		errors: template.Must(template.ParseFS(files, "error.html")),
	}
	names, _ := fs.Glob(files, "*")
	for _, name := range names {
		content, _ := fs.ReadFile(files, name)
		sum := sha256.Sum256(content)
		p.tags[name] = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	}
	return p
}

// ServePage serves one of the pages that are the same for all requests: index.html or camera.html.
func (p *Pages) ServePage(w http.ResponseWriter, r *http.Request, name string, policy ContentSecurityPolicy) {
	w.Header().Set("Content-Security-Policy", string(policy))
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	p.serveFile(w, r, name)
}

// ServeAsset serves the pages' scripts, styles and icon. {file} in the route is the name.
func (p *Pages) ServeAsset(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	if path.Ext(name) == ".html" {
		name = "" // pages have addresses of their own
	}
	p.serveFile(w, r, name)
}

func (p *Pages) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	if p.tags[name] == "" {
		request.Fail(w, r, http.StatusNotFound, "there is no such file")
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", p.tags[name])
	http.ServeFileFS(w, r, files, name)
}
