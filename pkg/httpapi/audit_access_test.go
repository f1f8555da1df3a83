package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/access"
	"camd/pkg/audit"
)

// startAuditedWithAuth serves a yard and a shed with access control behind a trusted proxy, and returns the records of the audit log.
func startAuditedWithAuth(t *testing.T) (*testServer, *observer.ObservedLogs) {
	t.Helper()
	o := authOptions(t)
	o.Proxies = access.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	o.ForwardAuth = access.ForwardAuth{Header: "Remote-User"}
	yard, shed := newTestCamera("yard"), newTestCamera("shed")
	yard.publish(1)
	shed.publish(2)
	core, logs := observer.New(zap.InfoLevel)
	return startServer(t, Options{Config: Config{Auth: access.New(o)}, Audit: audit.New(zap.New(core))}, shed, yard), logs
}

const clientAddress = "203.0.113.9"

// A viewer is named as it authenticated, with the address that a trusted proxy reports.
func TestAuditNamesTheViewer(t *testing.T) {
	s, logs := startAuditedWithAuth(t)
	session := s.logIn(t, "anna", "hunter2", "/").Cookies()[0]
	for _, c := range []struct {
		who, via, query string
		header          []string
	}{
		{"anna", "session", "", []string{"Cookie", session.Name + "=" + session.Value}},
		{"anna", "proxy", "", []string{"Remote-User", "anna"}},
		{"token view-all", "token", "", bearer(access.View, "all")},
		{"link", "link", "&link=" + s.linkTo(t, "yard"), nil},
	} {
		logs.TakeAll()
		resp := s.get(t, "/cameras/yard/snapshot.jpg?max_age=1h"+c.query, append(c.header, "X-Forwarded-For", "198.51.100.1, "+clientAddress)...)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s by %s: %s", c.who, c.via, resp.Status)
		}
		checkFields(t, auditRecord(t, logs, audit.ViewSnapshot), map[string]any{"requester": c.who, "via": c.via, "address": clientAddress, "camera": "yard"})
	}
}

// Logins are logged. A password that was typed as a name is not.
func TestAuditLogsLoginsWithoutSecrets(t *testing.T) {
	s, logs := startAuditedWithAuth(t)
	resp := s.logIn(t, "anna", "hunter2", "/")
	checkFields(t, auditRecord(t, logs, audit.Login), map[string]any{"requester": "anna", "via": "session", "address": "127.0.0.1"})
	c := resp.Cookies()[0]
	s.send(t, http.MethodPost, "/logout", "", "Cookie", c.Name+"="+c.Value)
	checkFields(t, auditRecord(t, logs, audit.Logout), map[string]any{"requester": "anna", "via": "session", "address": "127.0.0.1"})
	s.send(t, http.MethodPost, "/logout", "", "Cookie", c.Name+"="+c.Value)
	auditRecord(t, logs, audit.Logout) // and no second record for a session that has ended

	failed := func(want map[string]any) {
		t.Helper()
		checkFields(t, auditRecord(t, logs, audit.LoginFailed), want)
		logs.TakeAll()
	}
	s.logIn(t, "anna", "hunter3", "/")
	failed(map[string]any{"requester": "anna", "via": "password", "reason": "wrong"})
	s.logIn(t, "hunter2", "anna", "/")
	failed(map[string]any{"requester": nil, "via": "password", "reason": "wrong"})
	s.send(t, http.MethodGet, "/api/v1/cameras", "", "Authorization", "Bearer camd_guessed")
	failed(map[string]any{"requester": nil, "via": "token", "reason": "wrong"})
	basic, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	basic.SetBasicAuth("hunter2", "x")
	for _, path := range []string{"/api/v1/cameras", "/readyz"} {
		s.send(t, http.MethodGet, path, "", "Authorization", basic.Header.Get("Authorization"))
		failed(map[string]any{"requester": nil, "via": "password", "reason": "wrong"})
	}
	s.send(t, http.MethodGet, "/readyz", "")
	s.send(t, http.MethodGet, "/api/v1/cameras", "")
	if all := logs.AllUntimed(); len(all) > 0 {
		t.Errorf("requests without credentials are logged: %v", all)
	}
}

// Links are logged when they are made and when they are refused, without their signatures.
func TestAuditLogsLinksWithoutSecrets(t *testing.T) {
	s, logs := startAuditedWithAuth(t)
	resp := s.send(t, http.MethodPost, "/api/v1/cameras/yard/links", `{"for": "2h"}`,
		append(bearer(access.Control, "yard"), "Content-Type", "application/json")...)
	if resp.StatusCode != http.StatusCreated {
		t.Fatal(resp.Status)
	}
	got := auditRecord(t, logs, audit.LinkCreated)
	checkFields(t, got, map[string]any{"requester": "token control-yard", "via": "token", "camera": "yard"})
	if got["until"] == nil {
		t.Errorf("until when: %v", got)
	}
	forged := s.linkTo(t, "yard")
	forged = forged[:len(forged)-8] + "AAAAAAAA"
	s.send(t, http.MethodGet, "/cameras/yard/snapshot.jpg?link="+forged, "")
	refused := auditRecord(t, logs, audit.LinkRefused)
	checkFields(t, refused, map[string]any{"via": "link", "address": "127.0.0.1", "reason": "wrong"})
	for key, value := range refused {
		if text, _ := value.(string); strings.Contains(text, forged[:8]) {
			t.Errorf("%s repeats the link", key)
		}
	}
}

// An authenticated requester that is refused is logged with the requested role and camera.
func TestAuditLogsForbiddenRequests(t *testing.T) {
	s, logs := startAuditedWithAuth(t)
	s.send(t, http.MethodPatch, "/api/v1/cameras/yard", `{"paused": true}`, append(bearer(access.View, "yard"), "Content-Type", "application/json")...)
	checkFields(t, auditRecord(t, logs, audit.Refused), map[string]any{"requester": "token view-yard", "via": "token", "role": "control"})
}
