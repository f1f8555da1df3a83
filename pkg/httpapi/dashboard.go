package httpapi

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
)

//go:embed web
var web embed.FS

// pages are the files of the dashboard, each with its ETag: embedded files have no time by which a browser could ask
// whether they have changed.
type pages struct {
	files       fs.FS
	tags        map[string]string
	login, link *template.Template
}

func newPages() *pages {
	p := &pages{tags: map[string]string{}}
	p.files, _ = fs.Sub(web, "web")
	p.login = template.Must(template.ParseFS(web, "web/login.html"))
	p.link = template.Must(template.ParseFS(web, "web/link.html"))
	names, _ := fs.Glob(p.files, "*")
	for _, name := range names {
		content, _ := fs.ReadFile(p.files, name)
		sum := sha256.Sum256(content)
		p.tags[name] = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	}
	return p
}

// page serves one of the pages.
func (s *Server) page(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Content-Security-Policy", s.config.Load().contentSecurityPolicy())
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	s.pages.serve(w, r, name)
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request, name string) {
	if p.tags[name] == "" {
		request.Fail(w, r, http.StatusNotFound, "no such file")
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", p.tags[name])
	http.ServeFileFS(w, r, p.files, name)
}

// asset serves the pages' scripts, styles and icon.
func (p *pages) asset(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	if path.Ext(name) == ".html" {
		name = "" // pages have addresses of their own
	}
	p.serve(w, r, name)
}

// cameraPage is the page about one camera.
func (s *Server) cameraPage(w http.ResponseWriter, r *http.Request, v cameraRequest) {
	if request.RequesterOf(r).Kind == access.ByLink {
		s.showLinkPage(w, r, v)
		return
	}
	s.page(w, r, "camera.html")
}
