package httpreader

import (
	"context"
	"net/http"

	"camd/pkg/source/serverrules"
)

// Probe sends one request under a source's rules, and returns the content type of the answer. It does not read the body. It is for
// sources that FFmpeg reads. The error is a
// *serverrules.Error if the server could not be reached or refused the request.
func Probe(ctx context.Context, rules *serverrules.Rules) (contentType string, err error) {
	c := newClient(rules)
	defer c.close()
	response, err := c.get(ctx, http.Header{})
	if err != nil {
		return "", serverrules.ConnectError(rules.Source, false, err)
	}
	defer response.Body.Close()
	if f := serverrules.StatusError(rules.Source, response.StatusCode); f != nil {
		return "", f
	}
	return MediaType(response), nil
}
