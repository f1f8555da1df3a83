package web

import (
	"html/template"
	"net/http"
	"time"
)

// LoginPage is the content of the login page.
type LoginPage struct {
	Next, User, Problem string
	Open                bool // the password would cross a network unencrypted
}

// WriteLogin answers with the login page.
func (p *Pages) WriteLogin(w http.ResponseWriter, code int, page LoginPage, policy ContentSecurityPolicy) {
	render(w, code, p.login, page, policy)
}

// LinkPage is the content of the page of a link: the picture of one camera, which is shown without scripts, too.
type LinkPage struct {
	Title, Stream string
	Until         time.Time
}

// WriteLink answers with the page of a link.
func (p *Pages) WriteLink(w http.ResponseWriter, page LinkPage, policy ContentSecurityPolicy) {
	render(w, http.StatusOK, p.link, page, policy)
}

// ErrorPage is the content of the page for an address that a browser cannot open.
type ErrorPage struct {
	Title, Message string
	Back           string // the address of the dashboard; empty if the browser cannot open that
	LogIn          string // the address of the login page; empty if another user would not help
}

// WriteError answers with the page for an address that a browser cannot open.
func (p *Pages) WriteError(w http.ResponseWriter, code int, page ErrorPage, policy ContentSecurityPolicy) {
	render(w, code, p.errors, page, policy)
}

// render answers with a page that is made for one request.
func render(w http.ResponseWriter, code int, page *template.Template, content any, policy ContentSecurityPolicy) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", string(policy.withForms()))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(code)
	_ = page.Execute(w, content) // the client left
}
