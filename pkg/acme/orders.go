package acme

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// orders is the way to an authority. golang.org/x/crypto/acme looks for an order's address in the answer to its being finalized,
// where RFC 8555 (7.4) does not ask for it and Pebble does not give it: there it is added, as the order's beginning had it.
type orders struct {
	way http.RoundTripper

	mu    sync.Mutex
	begun map[string]string // addresses of orders, by where they are finalized
}

// longest bounds an order's text.
const longest = 1 << 20

func (o *orders) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := o.way.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	at := answer.Header.Get("Location")
	o.mu.Lock()
	defer o.mu.Unlock()
	switch order, ok := o.begun[r.URL.String()]; {
	case ok && at == "":
		answer.Header.Set("Location", order)
	case answer.StatusCode == http.StatusCreated && at != "":
		text, err := io.ReadAll(io.LimitReader(answer.Body, longest))
		_ = answer.Body.Close()
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(bytes.NewReader(text))
		var v struct{ Finalize string }
		if json.Unmarshal(text, &v) == nil && v.Finalize != "" {
			o.begun[v.Finalize] = at
		}
	}
	return answer, nil
}
