package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/web"
)

// maxForm bounds the form that a login page sends.
const maxForm = 4 << 10

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	p := web.LoginPage{Next: localPath(r.FormValue("next"))}
	if r.FormValue("ended") == "link" {
		p.Problem = "This link has expired or was revoked. Ask for a new link."
	}
	s.renderLogin(w, r, http.StatusOK, p)
}

func (s *Server) renderLogin(w http.ResponseWriter, r *http.Request, code int, p web.LoginPage) {
	auth := s.config.Load().Auth
	if !auth.HasLogin() {
		s.fail(w, r, request.Errorf(http.StatusNotFound, "login is not available: the configuration has no users"), web.ErrorPage{
			Title: "Login not available", Message: "The configuration has no users. An administrator can add users under auth.",
		})
		return
	}
	local, _ := classifyConn(r)
	p.Open = !auth.Client(r).Secure && !local
	// With no-referrer, browsers would send the form with "Origin: null". Without TLS, only the origin shows that it comes from this page.
	w.Header().Set("Referrer-Policy", "same-origin")
	s.pages.WriteLogin(w, code, p, web.NewContentSecurityPolicy(s.config.Load().FrameAncestors))
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	auth := s.config.Load().Auth
	if bad := readForm(w, r); bad != nil {
		bad.Fail(w, r)
		return
	}
	p := web.LoginPage{Next: localPath(r.PostForm.Get("next")), User: r.PostForm.Get("user")}
	if !auth.HasLogin() {
		s.renderLogin(w, r, 0, p)
		return
	}
	cookie, grant, err := auth.Login(r, p.User, r.PostForm.Get("password"))
	if err != nil {
		s.logLoginFailure(r, auth, access.ByPassword, p.User, err)
	}
	var later *access.RetryLaterError
	switch {
	case errors.As(err, &later):
		w.Header().Set("Retry-After", strconv.Itoa(later.Seconds()))
		p.Problem = "Too many attempts. Try again in " + strconv.Itoa(later.Seconds()) + " s."
		s.renderLogin(w, r, http.StatusTooManyRequests, p)
	case err != nil:
		p.Problem = "The user name or the password is wrong."
		s.renderLogin(w, r, http.StatusUnauthorized, p)
	default:
		s.audit.Record(audit.Login, request.Requester{Grant: grant, Client: auth.Client(r)}.Actor())
		http.SetCookie(w, cookie)
		seeOther(w, p.Next)
	}
}

// logout ends the session and the streams that it allowed.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	auth := s.config.Load().Auth
	if grant, err := auth.Identify(r); err == nil && grant.Kind == access.BySession {
		s.audit.Record(audit.Logout, request.Requester{Grant: grant, Client: auth.Client(r)}.Actor())
	}
	http.SetCookie(w, auth.Logout(r))
	s.revalidate()
	seeOther(w, "/login")
}

func seeOther(w http.ResponseWriter, path string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}

// readForm reads what a page's form sends.
func readForm(w http.ResponseWriter, r *http.Request) *request.Error {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTimeout)) // tests without a connection have none
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	_ = deadline.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return request.Errorf(http.StatusRequestEntityTooLarge, "the form is larger than the limit of %d bytes", maxForm)
	case err != nil: // the text of err may repeat what was sent
		return request.Errorf(http.StatusBadRequest, "the form did not arrive completely, or is not a form")
	}
	return nil
}

// localPath returns the path to open after a login: next if it is an address of this server, otherwise /.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return "/"
	}
	path := u.RequestURI()
	// URL.String encodes a path with invalid characters again from its decoded form, in which %2f is a slash.
	if u.Path == "/login" || u.Path == "/logout" || strings.HasPrefix(path, "//") {
		return "/"
	}
	return path
}
