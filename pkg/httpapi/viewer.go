package httpapi

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/fanout"
)

// streamKey is what metrics count viewers by.
type streamKey struct{ camera, rendition, transport string }

// deliveryCounts counts what viewers got; all of it only grows.
type deliveryCounts struct {
	sent, slow, rate, overLimit, bytes uint64
}

// viewer receives a stream. Its counters are written by the goroutine that serves it and read by any.
type viewer struct {
	streamKey
	fanout.Counts
	id            string // means nothing but this viewer
	remote        string // address and port
	address       string // the address alone
	userAgent     string
	actor         audit.Actor
	throttled     bool   // it asked for fewer frames
	key           string // by which a client of ustreamer finds itself
	grant         access.Grant
	disconnect    func() // makes it leave; set before it joins
	accessRevoked atomic.Bool
}

func newViewer(key streamKey, r *http.Request, throttled bool) *viewer {
	requester := requesterOf(r)
	remote := requester.remoteAddr(r)
	return &viewer{
		streamKey: key, grant: requester.Grant, disconnect: func() {}, Counts: fanout.Counts{Since: time.Now()}, actor: actorOf(r), id: rand.Text(), throttled: throttled, key: "0",
		remote: remote, address: withoutPort(remote), userAgent: sanitizeText(r.UserAgent()),
	}
}

// maxTextLength is how many bytes of a user agent are kept: browsers' have about 120.
const maxTextLength = 200

// sanitizeText bounds text from a client, and replaces bytes that are no text or change its direction.
func sanitizeText(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	s = s[:min(len(s), maxTextLength)]
	return strings.Clone(strings.ToValidUTF8(s, "")) // without the half of a character, or the memory of the rest
}

func (v *viewer) deliveryCounts() deliveryCounts {
	return deliveryCounts{sent: v.Sent.Load(), slow: v.SkippedSlow.Load(), rate: v.SkippedRate.Load(), overLimit: v.SkippedOverLimit.Load(), bytes: v.Bytes.Load()}
}

func (t *deliveryCounts) add(u deliveryCounts) {
	t.sent += u.sent
	t.slow += u.slow
	t.rate += u.rate
	t.overLimit += u.overLimit
	t.bytes += u.bytes
}
