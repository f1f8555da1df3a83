package acme

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// orderLocationTransport adds the header Location to the response that finalizes an order. golang.org/x/crypto/acme needs it there.
// RFC 8555 (7.4) does not require it, and Pebble does not send it. The value is the Location of the response that created the order.
type orderLocationTransport struct {
	base http.RoundTripper

	mu        sync.Mutex
	locations map[string]string // URLs of orders, by their finalize URLs
}

// maxOrderSize bounds the body of an order, in bytes.
const maxOrderSize = 1 << 20

func (o *orderLocationTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := o.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	location := response.Header.Get("Location")
	o.mu.Lock()
	defer o.mu.Unlock()
	switch order, ok := o.locations[r.URL.String()]; {
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
			o.locations[v.Finalize] = location
		}
	}
	return response, nil
}
