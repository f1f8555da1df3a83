package acme

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// orderLocationTransport is an authority's transport. golang.org/x/crypto/acme looks for an order's address in the answer to its being finalized,
// where RFC 8555 (7.4) does not ask for it and Pebble does not give it: there it is added, as the order's beginning had it.
type orderLocationTransport struct {
	base http.RoundTripper

	mu        sync.Mutex
	locations map[string]string // addresses of orders, by where they are finalized
}

// maxOrderSize bounds an order's text.
const maxOrderSize = 1 << 20

func (t *orderLocationTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	location := response.Header.Get("Location")
	t.mu.Lock()
	defer t.mu.Unlock()
	switch order, ok := t.locations[r.URL.String()]; {
	case ok && location == "":
		response.Header.Set("Location", order)
	case response.StatusCode == http.StatusCreated && location != "":
		text, err := io.ReadAll(io.LimitReader(response.Body, maxOrderSize))
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		response.Body = io.NopCloser(bytes.NewReader(text))
		var v struct{ Finalize string }
		if json.Unmarshal(text, &v) == nil && v.Finalize != "" {
			t.locations[v.Finalize] = location
		}
	}
	return response, nil
}
