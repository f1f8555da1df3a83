package request

import (
	"context"
	"net/http"
	"strings"
	"unicode"

	"camd/pkg/access"
	"camd/pkg/audit"
)

// Requester is who sent a request, and what that client may do.
type Requester struct {
	access.Grant
	Client access.Client
}

type requesterKey struct{}

// WithRequester returns the request with its requester, for RequesterOf.
func WithRequester(r *http.Request, from Requester) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), requesterKey{}, from))
}

// RequesterOf returns the requester of an authenticated request. The requester of any other request has no role.
func RequesterOf(r *http.Request) Requester {
	v, _ := r.Context().Value(requesterKey{}).(Requester)
	return v
}

// RemoteAddr returns the address of the client with its port. It is the address that a trusted proxy reports, otherwise that of the other
// end of the connection.
func (v Requester) RemoteAddr(r *http.Request) string {
	if forwarded := v.Client.String(); v.Client.Addr.IsValid() && forwarded != WithoutPort(r.RemoteAddr) {
		return forwarded
	}
	return r.RemoteAddr
}

// Actor returns the requester for the audit log.
func (v Requester) Actor() audit.Actor {
	return audit.Actor{Name: v.Identity, Via: string(v.Kind), Address: v.Client.String()}
}

// maxTextLength is how many bytes of a client's text are kept: browsers' user agents have about 120.
const maxTextLength = 200

// SanitizeText shortens text from a client, and replaces bytes that are not text or that change its direction.
func SanitizeText(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	s = s[:min(len(s), maxTextLength)]
	return strings.Clone(strings.ToValidUTF8(s, "")) // drops a partial character, and the memory of the rest
}
