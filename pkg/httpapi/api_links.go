package httpapi

import (
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/httpapi/request"
)

// linkJSON is a new link.
type linkJSON struct {
	Page   string     `json:"page"`   // for people
	Stream string     `json:"stream"` // for programs
	Until  *time.Time `json:"until"`
}

const linkExample = `{"for": "2h"}`

// createLink creates a link to this camera that is valid for a limited time.
func (s *Server) createLink(w http.ResponseWriter, r *http.Request, target request.Target) {
	validFor, bad := readLinkDuration(w, r)
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	cfg := s.config.Load()
	auth := cfg.Auth
	if !auth.HasLinks() {
		request.Fail(w, r, http.StatusConflict, "links are not available: set state_dir or auth.link_key_file in the configuration")
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

// baseURL returns the URL at which users reach this server: its public URL, otherwise the one that this request was sent to.
func (a *activeConfig) baseURL(req *http.Request, client access.Client) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	scheme := "http://"
	if client.Secure {
		scheme = "https://"
	}
	return scheme + req.Host
}

// readLinkDuration reads how long a link is valid.
func readLinkDuration(w http.ResponseWriter, r *http.Request) (time.Duration, *request.Error) {
	var body struct {
		For string `json:"for"`
	}
	if bad := readJSON(w, r, &body, linkExample); bad != nil {
		return 0, bad
	}
	d, err := time.ParseDuration(body.For)
	if err != nil || d < time.Second || d > access.MaxLinkLifetime {
		return 0, request.Errorf(http.StatusBadRequest, "for: must be a duration from 1s to %dh, in a body such as %s", access.MaxLinkLifetime/time.Hour, linkExample)
	}
	return d, nil
}
