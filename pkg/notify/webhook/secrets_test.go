package webhook

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// A receiver that echoes secrets of a request, anywhere in its response, gets none of them into the log.
func TestReceiverAnswerIsNotLogged(t *testing.T) {
	for name, answer := range map[string]string{
		"status":  "HTTP/1.1 canary 500\r\n\r\n",
		"reason":  "HTTP/1.1 500 canary\r\nContent-Length: 0\r\n\r\n",
		"version": "canary/1.1 500 x\r\n\r\n",
		"header":  "HTTP/1.1 500 x\r\ncanary\r\n\r\n",
		"length":  "HTTP/1.1 500 x\r\nContent-Length: canary\r\n\r\n",
		"coding":  "HTTP/1.1 500 x\r\nTransfer-Encoding: canary\r\n\r\n",
		"place":   "HTTP/1.1 301 x\r\nLocation: http://%canary\r\nContent-Length: 0\r\n\r\n",
		"bytes":   "canary",
	} {
		t.Run(name, func(t *testing.T) {
			address := serveAnswer(t, answer)
			yard := &fakeCamera{}
			yard.setState(camera.Live, camera.None)
			counted, log := runWebhooks(t, Options{URL: parse(t, "http://"+address+"/canary?token=canary"), Cameras: yard.cameras})
			yard.setState(camera.Offline, camera.Unreachable)
			testrun.WaitFor(t, "an attempt", func() bool { return counted(Retried)+counted(Failed) > 0 })
			testrun.WaitFor(t, "the log line", func() bool {
				return log.FilterMessageSnippet("notice delivery failed").Len()+log.FilterMessageSnippet("notice not delivered").Len() > 0
			})
			for _, e := range log.All() {
				for key, v := range e.ContextMap() {
					if s, ok := v.(string); ok && strings.Contains(s, "canary") {
						t.Errorf("%s: %s is %q", e.Message, key, s)
					}
				}
			}
		})
	}
}

// serveAnswer answers every request with the same bytes, and closes the connection.
func serveAnswer(t *testing.T, answer string) (address string) {
	t.Helper()
	return testpeer.ServeRaw(t, func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, answer)
		}
	})
}
