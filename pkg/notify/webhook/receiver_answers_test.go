package webhook

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/notify"
)

// Any answer of a receiver causes no second request, no unbounded wait and no text of the answer in the log.
func FuzzReceiverResponses(f *testing.F) {
	answers, asked := make(chan []byte, 1), make(chan string, 100)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	// The client may open a connection and never use it, so each has a goroutine of its own.
	answerOne := func(c net.Conn) {
		defer c.Close()
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- r.URL.Path
		_, _ = c.Write(<-answers)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answerOne(c) })
		}
	})
	w := New(Options{URL: &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/hook"}, Key: key, Cameras: func() []notify.Camera { return nil }})
	w.client.Transport.(*http.Transport).DisableKeepAlives = true // the server closes each connection, maybe just when the next request is written
	f.Cleanup(func() { w.client.CloseIdleConnections(); _ = l.Close(); serving.Wait() })
	f.Fuzz(func(t *testing.T, answer []byte) {
		answers <- bytes.Clone(answer) // the fuzzer uses the memory again, and a write may end after its answer was read
		failed := w.post(t.Context(), &delivery{id: "msg_1", body: []byte("{}")})
		if path := <-asked; path != "/hook" || len(asked) > 0 {
			t.Errorf("got a request for %s and %d more", path, len(asked))
		}
		if failed == nil {
			return
		}
		if failed.retryAfter < 0 || failed.retryAfter > maxRetryAfter {
			t.Errorf("got retry after %v", failed.retryAfter)
		}
		if len(failed.problem) > 300 || strings.Contains(failed.problem, "canary") {
			t.Errorf("problem %q", failed.problem)
		}
	})
}

// An endless body is read up to a limit.
func TestEndlessResponseBodyIsCut(t *testing.T) {
	address := testpeer.ServeRaw(t, func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			_, _ = io.Copy(c, zeros{})
		}
	})
	w := New(Options{URL: parse(t, "http://"+address), Key: key, Cameras: func() []notify.Camera { return nil }, Timeout: time.Hour})
	defer w.client.CloseIdleConnections()
	if failed := w.post(t.Context(), &delivery{id: "msg_1", body: []byte("{}")}); failed != nil {
		t.Errorf("%+v", failed)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
