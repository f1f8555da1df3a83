package listener

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// serveEncrypted serves HTTPS at a free port, as httpapi does, and returns the address and a client.
func serveEncrypted(t *testing.T, publicURL string) (address string, client *http.Client) {
	t.Helper()
	i := testpeer.Certificate{}.Make(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	redirect := Redirect{PublicURL: func() string { return publicURL }, IsCertified: func(string) bool { return false }}
	srv := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "encrypted") }),
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.ServeTLS(redirect.AnswerPlain(l), i.File, i.Key)
	}()
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.Pool}}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = srv.Close()
		<-ended
	})
	return l.Addr().String(), client
}

// exchange sends parts of a request, one write each, and returns the answer.
func exchange(t *testing.T, address string, parts ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, part := range parts {
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%q: %v", parts, err)
	}
	return string(answer)
}

func TestAnswerPlainNamesHTTPSAddress(t *testing.T) {
	address, client := serveEncrypted(t, "")
	for _, c := range []struct {
		what  string
		parts []string
		want  []string
	}{
		{"a whole request", []string{"GET /a?b=%2F HTTP/1.1\r\nHost: ADDRESS\r\n\r\n"}, []string{"HTTP/1.1 308 ", "\r\nLocation: https://ADDRESS/a?b=%2F\r\n"}},
		{"in pieces", []string{"G", "ET / HTTP/1.1\r\nHo", "st: ADDRESS\r\n", "\r\n"}, []string{"HTTP/1.1 308 ", "\r\nLocation: https://ADDRESS/\r\n"}},
		{"a large body", []string{"POST / HTTP/1.1\r\nHost: ADDRESS\r\nContent-Length: 60000\r\n\r\n" + strings.Repeat("x", 60000)}, []string{"HTTP/1.1 400 ", "HTTPS: https://ADDRESS/\n"}},
		{"no end", []string{"GET / HTTP/1.1\r\nHost: ADDRESS\r\n"}, []string{"HTTP/1.1 400 ", "Use https://"}},
		{"another host", []string{"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"}, []string{"HTTP/1.1 400 ", "Use https://"}},
		{"a proxy that forwards it", []string{"GET / HTTP/1.1\r\nHost: ADDRESS\r\nX-Forwarded-Proto: https\r\n\r\n"}, []string{"HTTP/1.1 400 ", "HTTPS: https://ADDRESS/\n"}},
		{"no host", []string{"GET / HTTP/1.0\r\n\r\n"}, []string{"HTTP/1.1 400 ", "Use https://"}},
		{"a port that is mapped", []string{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"}, []string{"HTTP/1.1 308 ", "https://localhost:80/\r\n"}},
	} {
		for i, part := range c.parts {
			c.parts[i] = strings.ReplaceAll(part, "ADDRESS", address)
		}
		answer := exchange(t, address, c.parts...)
		for _, want := range c.want {
			if want = strings.ReplaceAll(want, "ADDRESS", address); !strings.Contains(answer, want) {
				t.Errorf("%s: %q is not in\n%s", c.what, want, answer)
			}
		}
		if strings.Contains(answer, "evil") {
			t.Errorf("%s: got\n%s", c.what, answer)
		}
	}
	answer, err := client.Get("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); string(body) != "encrypted" {
		t.Errorf("over TLS: %q", body)
	}
}

func TestAnswerPlainSendsNoBodyToHead(t *testing.T) {
	address, _ := serveEncrypted(t, "")
	for _, c := range []struct{ head, want string }{
		{"HEAD /a HTTP/1.1\r\nHost: " + address + "\r\n\r\n", "HTTP/1.1 308 "},
		{"HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 400 "},
		{"HEAD / HTTP/1.1\r\nHost: " + address + "\r\n", "HTTP/1.1 400 "},
	} {
		answer := exchange(t, address, c.head)
		head, body, found := strings.Cut(answer, "\r\n\r\n")
		if !found || body != "" || !strings.HasPrefix(head, c.want) || !strings.Contains(head, "\r\nContent-Length: ") {
			t.Errorf("%q: got\n%s", c.head, answer)
		}
	}
}

func TestAnswerPlainPrefersPublicURL(t *testing.T) {
	address, _ := serveEncrypted(t, "https://cams.example.com:8443")
	answer := exchange(t, address, "GET /x HTTP/1.1\r\nHost: anything\r\n\r\n")
	if !strings.Contains(answer, "\r\nLocation: https://cams.example.com:8443/x\r\n") {
		t.Errorf("got\n%s", answer)
	}
}
