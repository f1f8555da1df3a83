package compat

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// For any query, the camera's number is not negative, and the client's key fits into a cookie.
func FuzzCompatQuery(f *testing.F) {
	for _, query := range []string{
		"", "action=stream", "action=snapshot_1&1700000000", "action=stream_18446744073709551616", "?action=snapshot;5", "action=command&id=1", "action=%73tream_%31",
		"action=%zz", "a=1;b=2", "%", "key=abcdefgh", "key=%00%0d%0aSet-Cookie:x", "key=" + strings.Repeat("a", 5000),
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if n := ParseAction(query).cameraNumber(); n < 0 {
			t.Errorf("camera number %d of %q", n, query)
		}
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		r.URL.RawQuery = query
		if key := clientKey(r); len(key) > maxKeyLength || key == "" || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`;,"\/`, c) }) {
			t.Errorf("key %q would break a cookie", key)
		}
	})
}
