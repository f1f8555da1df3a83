package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/web"
)

// linkJSON is a link that was made.
type linkJSON struct {
	Page   string     `json:"page"`   // for people
	Stream string     `json:"stream"` // for programs
	Until  *time.Time `json:"until"`
}

const linkExample = `{"for": "2h"}`

// createLink lets whoever has the link see this camera for a while.
func (s *Server) createLink(w http.ResponseWriter, r *http.Request, target request.Target) {
	validFor, bad := readLinkDuration(w, r)
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	cfg := s.config.Load()
	auth := cfg.Auth
	if !auth.HasLinks() {
		request.Fail(w, r, http.StatusConflict, "no links can be made here: set state_dir in the configuration, or link_key_file in its section auth")
		return
	}
	until := time.Now().Add(validFor)
	text, err := auth.SignLink(target.ID, validFor)
	if err != nil {
		request.Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	s.audit.Record(audit.LinkCreated, request.RequesterOf(r).Actor(), zap.String("camera", target.ID), zap.Time("until", until))
	address := cfg.baseURL(r, request.RequesterOf(r).Client) + "/cameras/" + target.ID
	query := "?" + access.LinkParameter + "=" + url.QueryEscape(text)
	request.WriteJSON(w, http.StatusCreated, linkJSON{address + query, address + "/stream.mjpg" + query, jsonTime(until)})
}

// baseURL is where people reach this server: its public address, else what this request was sent to.
func (r *activeConfig) baseURL(req *http.Request, client access.Client) string {
	if r.PublicURL != "" {
		return r.PublicURL
	}
	scheme := "http://"
	if client.Secure {
		scheme = "https://"
	}
	return scheme + req.Host
}

// readLinkDuration reads for how long a link is to be good.
func readLinkDuration(w http.ResponseWriter, r *http.Request) (time.Duration, *request.Error) {
	var body struct {
		For string `json:"for"`
	}
	if bad := readJSON(w, r, &body, linkExample); bad != nil {
		return 0, bad
	}
	d, err := time.ParseDuration(body.For)
	if err != nil || d < time.Second || d > access.MaxLinkLifetime {
		return 0, request.Errorf(http.StatusBadRequest, "for: want a duration from 1s to %dh, in a body such as %s", access.MaxLinkLifetime/time.Hour, linkExample)
	}
	return d, nil
}

// showLinkPage serves a page with only a camera's picture, which needs no script.
func (s *Server) showLinkPage(w http.ResponseWriter, r *http.Request, target request.Target) {
	query := url.Values{access.LinkParameter: {r.URL.Query().Get(access.LinkParameter)}}
	s.pages.WriteLink(w, web.LinkPage{
		Title: target.Camera.Status().Title, Stream: "/cameras/" + target.ID + "/stream.mjpg?" + query.Encode(), Until: request.RequesterOf(r).ExpiresAt,
	}, web.NewPolicy(s.config.Load().FrameAncestors))
}

// redirectToLinkedCamera leads who has a link to the page of the camera that it is for.
func (s *Server) redirectToLinkedCamera(w http.ResponseWriter, r *http.Request, g access.Grant) {
	visible := s.config.Load().visibleTo(g)
	if len(visible) == 0 {
		request.Fail(w, r, http.StatusNotFound, "the camera that this link is for is not configured any more")
		return
	}
	seeOther(w, "/cameras/"+visible[0]+"?"+url.Values{access.LinkParameter: {r.URL.Query().Get(access.LinkParameter)}}.Encode())
}

// readJSON reads a request's body. JSON it must be by its Content-Type too: a form of another site in a person's browser can send
// any other without asking this server first.
func readJSON(w http.ResponseWriter, r *http.Request, to any, example string) *request.Error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return request.Errorf(http.StatusUnsupportedMediaType, "want Content-Type: application/json, and a body such as %s", example)
	}
	// Tests without a connection have no deadlines.
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPatch))
	if err == nil { // else net/http waits for what is left of it
		_ = deadline.SetReadDeadline(time.Time{})
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return request.Errorf(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxPatch)
	}
	if err != nil {
		return request.Errorf(http.StatusBadRequest, "the body did not arrive")
	}
	return parseJSON(body, to, example)
}

func parseJSON(body []byte, to any, example string) *request.Error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	err := dec.Decode(to)
	if _, more := dec.Token(); err == nil && more != io.EOF {
		err = errors.New("there is more behind it")
	}
	if err != nil {
		return request.Errorf(http.StatusBadRequest, "the body is not such as %s: %s", example, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
