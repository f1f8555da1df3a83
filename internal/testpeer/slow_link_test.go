package testpeer

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What a link with the rate 0 has held back follows when the rate is higher.
func TestSlowLinkDeliversWhatItHeldBack(t *testing.T) {
	body := bytes.Repeat([]byte("camd"), 1<<18)
	written := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(body)
		written <- err
	}))
	t.Cleanup(server.Close)
	link := ServeSlowLink(t, server.URL)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, rate := range []int{Unlimited, 32 << 20} {
		link.SetRate(Unlimited)
		answer, err := client.Get(link.URL)
		if err != nil {
			t.Fatal(err)
		}
		link.SetRate(0)
		go func() { link.SetRate(rate) }()
		got, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !bytes.Equal(got, body) || <-written != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}
