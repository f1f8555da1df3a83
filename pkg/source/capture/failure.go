package capture

import (
	"fmt"
	"net/url"
	"strings"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

// failure is why a source cannot be opened or read any more.
type failure struct {
	reason camera.Reason
	detail string
}

func (f *failure) Error() string { return f.detail }

func newFailure(reason camera.Reason, format string, args ...any) *failure {
	return &failure{reason, fmt.Sprintf(format, args...)}
}

// redact takes the source's secrets out of a text: the password in each of its spellings, and the query of a URL. The
// texts are made without them; this is for what a server or library puts in.
func redact(src sourceurl.Source, text string) string {
	secrets := []string{src.URL.RawQuery, src.Password, url.QueryEscape(src.Password), url.PathEscape(src.Password),
		strings.TrimPrefix(url.UserPassword("", src.Password).String(), ":")}
	for _, values := range src.URL.Query() {
		secrets = append(secrets, values...)
	}
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
