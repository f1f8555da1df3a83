package config

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// formats are the formats of schema.json. Each reads a text, or returns what it must be. errNotValid stands for the schema's errorMessage.
var formats = map[string]func(string) (any, error){
	"time-span":        parseDuration,
	"time-span-or-off": orOff(parseDuration),
	"days-or-off":      orOff(parseDays),
	"byte-size":        parseByteSize,
	"picture-size":     func(s string) (any, error) { v, err := sourceurl.ParseSize(s); return v, notValid(err) },
	"file-mode":        parseFileMode,
	"tls-version":      parseTLSVersion,
	"listen-address":   func(s string) (any, error) { return s, CheckListen(s) },
	"tcp-address":      parseTCPAddress,
	"host-pattern":     parseHostPattern,
	"host-or-address":  parseHostOrAddress,
	"domain":           parseDomain,
	"origin":           func(s string) (any, error) { return s, must(s == "*" || isOrigin(s)) },
	"frame-ancestor":   func(s string) (any, error) { return s, must(s == "self" || s == "none" || s == "*" || isOrigin(s)) },
	"proxy":            parseProxy,
	"proxy-header": func(s string) (any, error) {
		return s, must(headerName.MatchString(s) && !slices.Contains(browserHeaders, http.CanonicalHeaderKey(s)))
	},
	"http-url":                func(s string) (any, error) { return parseHTTPURL(s, false) },
	"webhook-url":             func(s string) (any, error) { return parseHTTPURL(s, true) },
	"broker-url":              parseBrokerURL,
	"nats-url":                parseNATSURL,
	"signing-key":             parseSigningKey,
	"camera-id":               func(s string) (any, error) { return s, must(IsCameraID(s)) },
	"camera-pattern":          parseCameraPattern,
	"camera-source":           parseSource,
	"rtsp-source":             parseRTSPSource,
	"certificate-fingerprint": func(s string) (any, error) { v, err := tlsverify.ParseFingerprint(s); return v, notValid(err) },
	"control-name":            asText,
	"audit-target":            asText,
	"path":                    asText,
	"file":                    asText,
}

// formatsOfTexts are formats that only mark a text. The pattern beside one says what the text must be.
var formatsOfTexts = []string{"control-name", "audit-target", "path", "file"}

// headerName matches the name of a header that a proxy may set.
var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// errNotValid says that a text is not what the schema's errorMessage describes.
var errNotValid = errors.New("")

func must(valid bool) error {
	if valid {
		return nil
	}
	return errNotValid
}

func notValid(err error) error { return must(err == nil) }

func asText(s string) (any, error) { return s, nil }

func parseDuration(s string) (any, error) {
	v, err := time.ParseDuration(s)
	return v, notValid(err)
}

// orOff returns a reader of a duration, or of off, which is 0.
func orOff(parse func(string) (any, error)) func(string) (any, error) {
	return func(s string) (any, error) {
		if s == "off" {
			return time.Duration(0), nil
		}
		return parse(s)
	}
}

// parseDays reads a duration that may be in days.
func parseDays(s string) (any, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseUint(n, 10, 16)
		return time.Duration(days) * 24 * time.Hour, notValid(err)
	}
	return parseDuration(s)
}

// byteUnits are the units of a byte size, longer names first, so that none matches the end of another.
var byteUnits = []struct {
	name   string
	factor float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}

func parseByteSize(s string) (any, error) {
	for _, u := range byteUnits {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			n := f * u.factor
			return int64(n), must(err == nil && n >= 0 && n < 1<<62)
		}
	}
	return int64(0), errNotValid
}

func parseFileMode(s string) (any, error) {
	m, err := strconv.ParseUint(s, 8, 32)
	return os.FileMode(m), must(err == nil && m <= 0o777)
}

func parseTLSVersion(s string) (any, error) {
	v := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[s]
	return v, must(v != 0)
}

// parseSigningKey reads a signing key of the Standard Webhooks form.
func parseSigningKey(s string) (any, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
	return Secret(key), must(err == nil && len(key) >= 24 && len(key) <= 64)
}

func parseCameraPattern(s string) (any, error) {
	_, err := path.Match(s, "")
	return s, must(err == nil && s != "")
}

func parseSource(s string) (any, error) {
	src, err := sourceurl.Parse(s)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "source "))
	}
	return src, nil
}

// parseRTSPSource reads a source that must be rtsp:// or rtsps://.
func parseRTSPSource(s string) (any, error) {
	if scheme, _, _ := strings.Cut(s, "://"); !strings.EqualFold(scheme, "rtsp") && !strings.EqualFold(scheme, "rtsps") {
		return nil, errNotValid
	}
	return parseSource(s)
}

// IsCameraID reports whether a text can be the id of a camera.
func IsCameraID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-'
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
