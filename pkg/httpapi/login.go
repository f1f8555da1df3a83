package httpapi

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"camd/pkg/access"
	"camd/pkg/audit"
)

// maxForm bounds what a login page sends.
const maxForm = 4 << 10

// loginPage is what the login page says.
type loginPage struct {
	Next, User, Problem string
	Open                bool // what is typed crosses a network in the clear
}

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	p := loginPage{Next: localPath(r.FormValue("next"))}
	if r.FormValue("ended") == "link" {
		p.Problem = "This link has expired, or was taken back."
	}
	s.renderLogin(w, r, http.StatusOK, p)
}

func (s *Server) renderLogin(w http.ResponseWriter, r *http.Request, code int, p loginPage) {
	auth := s.config.Load().Auth
	if !auth.HasLogin() {
		fail(w, r, http.StatusNotFound, "nobody can log in here: there are no users in the configuration")
		return
	}
	local, _ := classifyConn(r)
	p.Open = !auth.Client(r).Secure && !local
	// Under no-referrer browsers send the form with "Origin: null", and without TLS nothing else says that it is of this page.
	w.Header().Set("Referrer-Policy", "same-origin")
	s.render(w, code, s.pages.login, p)
}

// render answers with a page that is made for this request. Its forms may be sent here alone.
func (s *Server) render(w http.ResponseWriter, code int, page *template.Template, with any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", strings.Replace(s.config.Load().contentSecurityPolicy(), "form-action 'none'", "form-action 'self'", 1))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(code)
	_ = page.Execute(w, with) // the client left
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	auth := s.config.Load().Auth
	if bad := readForm(w, r); bad != nil {
		fail(w, r, bad.code, bad.message)
		return
	}
	p := loginPage{Next: localPath(r.PostForm.Get("next")), User: r.PostForm.Get("user")}
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
		p.Problem = "The name or the password is wrong."
		s.renderLogin(w, r, http.StatusUnauthorized, p)
	default:
		s.audit.Record(audit.Login, newActor(grant, auth.Client(r)))
		http.SetCookie(w, cookie)
		seeOther(w, p.Next)
	}
}

// logout ends the session, and whatever is watched by it.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	auth := s.config.Load().Auth
	if grant, err := auth.Identify(r); err == nil && grant.Kind == access.BySession {
		s.audit.Record(audit.Logout, newActor(grant, auth.Client(r)))
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
func readForm(w http.ResponseWriter, r *http.Request) *requestError {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(requestTimeout)) // tests without a connection have none
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	_ = deadline.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &requestError{http.StatusRequestEntityTooLarge, "the form is larger than " + strconv.Itoa(maxForm) + " bytes"}
	case err != nil: // which may repeat what was sent
		return &requestError{http.StatusBadRequest, "the form did not arrive, or is none"}
	}
	return nil
}

// localPath is where a login leads: an address of this server, and never another's, whatever a link to the login page says.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return "/"
	}
	path := u.RequestURI()
	// Where the text has what no URL may, it is written anew from what it means, and %2f comes out as a slash.
	if u.Path == "/login" || u.Path == "/logout" || strings.HasPrefix(path, "//") {
		return "/"
	}
	return path
}

// meJSON is who somebody is here.
type meJSON struct {
	Name  string      `json:"name"`
	Kind  access.Kind `json:"kind"`
	Role  access.Role `json:"role"` // at every camera that is shown
	Until *time.Time  `json:"until"`
	Links bool        `json:"links"` // whether links can be made here
	Login bool        `json:"login"` // whether somebody can log in here
}

func (s *Server) showMe(w http.ResponseWriter, r *http.Request) {
	auth, requester := s.config.Load().Auth, requesterOf(r)
	writeJSON(w, http.StatusOK, meJSON{requester.Identity, requester.Kind, highestRole(requester.Grant), jsonTime(requester.ExpiresAt), auth.HasLinks(), auth.HasLogin()})
}
