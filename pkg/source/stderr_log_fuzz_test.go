package source

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Whatever a capture process prints around a secret, the log never contains the secret. No piece of a line is too long or breaks the log.
func FuzzStderrLog(f *testing.F) {
	f.Add([]byte("method DESCRIBE failed: 401 "), []byte("\nnext"), "p@ss w0rd/%", uint8(0))
	f.Add(bytes.Repeat([]byte("x"), maxLineBytes-5), []byte("y"), "hush-QUITE-hush", uint8(1))
	f.Add([]byte("panic: \x00\xff\xfe"), bytes.Repeat([]byte("\n\r"), 9), "aaaaaaaaab", uint8(3))
	f.Add([]byte("rtsp://viewer:"), []byte("@camera.example/cam?token=t0ken-canary"), "%41%2f é", uint8(2))
	f.Fuzz(func(t *testing.T, before, after []byte, password string, as uint8) {
		// A shorter secret can occur anywhere. A secret of these characters can result from the replacement.
		if len(password) < 6 || len(password) > 1000 || !utf8.ValidString(password) || strings.ContainsAny(password, "*?") || strings.ContainsFunc(password, unicode.IsControl) ||
			strings.Contains("rtsp://camera.example/cam", password) {
			t.Skip()
		}
		start := wire.Start{Source: "rtsp://camera.example/cam?token=t0ken-canary", User: "viewer", Password: password}
		basic := base64.StdEncoding.EncodeToString([]byte("viewer:" + password))
		forms := []string{password, url.QueryEscape(password), basic, start.Source}
		core, logs := observer.New(zap.DebugLevel)
		c := newStderrLog(zap.New(core), newRedactor(start))
		said := append(append(bytes.Clone(before), forms[int(as)%len(forms)]...), after...)
		c.read(bytes.NewReader(said))
		for _, e := range logs.All() {
			line, _ := e.ContextMap()["line"].(string)
			if len(line) > 3*maxLogLine || !utf8.ValidString(line) || strings.Contains(line, "\n") {
				t.Fatalf("a line of %d bytes: %.100q", len(line), line)
			}
			checkNoSecret(t, line, password, basic)
		}
		checkNoSecret(t, c.lastLine(), password, basic)
		checkNoSecret(t, redactEvent(newRedactor(start), endedEvent{reason: camera.BadStream, detail: string(said)}).(endedEvent).detail, password, basic)
	})
}

func checkNoSecret(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range append(secrets, "t0ken-canary") {
		if strings.Contains(text, s) {
			t.Errorf("%q is in %.2000q", s, text)
		}
	}
}
