package httpreader

import (
	"net/http"
	"strings"
)

// MediaType returns the content type of a response in lower case, without its parameters, which are wrong in many cameras.
func MediaType(response *http.Response) string {
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// isPicture reports whether a content type is that of a single JPEG, wrong ones included.
func isPicture(contentType string) bool {
	return contentType == "image/jpeg" || contentType == "image/jpg" || contentType == "image/pjpeg"
}

// IsNotVideo reports whether a content type is certainly not video. Cameras send video with all kinds of other types.
func IsNotVideo(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || contentType == "application/json" || contentType == "application/pdf" ||
		contentType == "application/xhtml+xml"
}

// SafeContentType returns a content type for an error message. It returns only known types: a server may put secrets that it was
// sent into others.
func SafeContentType(contentType string) string {
	switch contentType {
	case "text/html", "text/plain", "text/xml", "application/json", "application/pdf", "application/xhtml+xml":
		return contentType
	}
	return "text"
}
