package httpapi

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"camd/pkg/access"
	"camd/pkg/fanout"
)

// seat is a place from which viewers watch: what metrics tell apart.
type seat struct{ camera, rendition, transport string }

// tally is what viewers got; all of it only grows.
type tally struct {
	sent, slow, rate, over, bytes uint64
}

// viewer is somebody who watches. Its counters are written by whoever serves it and read by anybody.
type viewer struct {
	seat
	fanout.Counts
	id        string // means nothing but this viewer
	remote    string // address and port
	address   string // the address alone
	agent     string
	throttled bool   // it asked for fewer frames
	key       string // by which a client of ustreamer finds itself
	grant     access.Grant
	end       func() // makes it leave; set before it joins
	forbidden atomic.Bool
}

func newViewer(s seat, r *http.Request, throttled bool) *viewer {
	me := visitorOf(r)
	remote, address := r.RemoteAddr, hostOf(r.RemoteAddr)
	if said := me.client.String(); me.client.Addr.IsValid() && said != address {
		remote, address = said, said // as a trusted proxy has it
	}
	return &viewer{
		seat: s, grant: me.Grant, end: func() {}, Counts: fanout.Counts{Since: time.Now()}, id: rand.Text(), throttled: throttled, key: "0",
		remote: remote, address: address, agent: legible(r.UserAgent()),
	}
}

// agentLength is how many bytes of a user agent are kept: browsers' have about 120.
const agentLength = 200

// legible is what a stranger says of itself, bounded, and without bytes that are no text or turn text around.
func legible(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	s = s[:min(len(s), agentLength)]
	return strings.Clone(strings.ToValidUTF8(s, "")) // without the half of a character, or the memory of the rest
}

func (v *viewer) tally() tally {
	return tally{sent: v.Sent.Load(), slow: v.Slow.Load(), rate: v.Rate.Load(), over: v.Over.Load(), bytes: v.Bytes.Load()}
}

func (t *tally) add(u tally) {
	t.sent += u.sent
	t.slow += u.slow
	t.rate += u.rate
	t.over += u.over
	t.bytes += u.bytes
}
