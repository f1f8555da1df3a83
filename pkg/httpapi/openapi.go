package httpapi

import (
	_ "embed"
	"net/http"
)

// openapi is the OpenAPI description of every address. The tests compare it with what the server answers.
//
//go:embed openapi.json
var openapi []byte

func showOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openapi) // the client left
}
