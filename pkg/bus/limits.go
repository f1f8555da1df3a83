package bus

import (
	"time"

	"golang.org/x/time/rate"
)

// SiteLimits bound what a relay keeps of other sites.
type SiteLimits struct {
	Sites   int // other sites; 0 means DefaultSites
	Cameras int // cameras of all other sites together; 0 means DefaultCameras
}

// The defaults of SiteLimits. A relay with both tables full takes some 30 MB for them.
const (
	DefaultSites   = 1024
	DefaultCameras = 4096
)

func (s SiteLimits) orDefault() SiteLimits {
	if s.Sites == 0 {
		s.Sites = DefaultSites
	}
	if s.Cameras == 0 {
		s.Cameras = DefaultCameras
	}
	return s
}

const (
	// newPublisherPeriod is how long a publisher must be known before only its own quota applies.
	newPublisherPeriod = 10 * time.Second
	// establishedAfter is how long a site must have announced itself before it keeps its place in a full table while it is silent.
	establishedAfter = 10 * time.Minute
)

// quota limits the rate of messages and of their bytes.
type quota struct{ messages, bytes *rate.Limiter }

// newQuota returns a quota of messages and bytes per second, with their bursts.
func newQuota(messages rate.Limit, burst int, bytes rate.Limit, byteBurst int) quota {
	return quota{rate.NewLimiter(messages, burst), rate.NewLimiter(bytes, byteBurst)}
}

// allows reports whether a message of size bytes is within the quota, and counts it.
func (q quota) allows(now time.Time, size int) bool {
	return q.messages.AllowN(now, 1) && q.bytes.AllowN(now, size)
}

// publisher is the quota of one publisher. NATS does not say who published a message, so the name in the message identifies the
// publisher. Two publishers with the same name share a quota.
type publisher struct {
	firstSeen time.Time
	quota     quota
}

// rateLimits decide, before a message is parsed, whether it is accepted. Each known publisher has its own quota, which no other
// publisher can use up. All unknown publishers share one quota, and all recent ones share another. So an attacker who invents
// names gets no more than these shared quotas.
type rateLimits struct {
	perPublisher    func() quota
	unknown, recent quota
}

func (r rateLimits) newPublisher(now time.Time) *publisher {
	return &publisher{firstSeen: now, quota: r.perPublisher()}
}

// allows reports whether a message of size bytes is accepted, and counts it. p is nil for an unknown publisher.
func (r rateLimits) allows(p *publisher, size int, now time.Time) bool {
	switch {
	case p == nil:
		return r.unknown.allows(now, size)
	case !p.quota.allows(now, size):
		return false
	}
	return now.Sub(p.firstSeen) >= newPublisherPeriod || r.recent.allows(now, size)
}

// newAnnouncementLimits returns the limits of announcements. An instance sends at most four a second, and one in two seconds while
// nothing changes. When a relay starts, all sites announce themselves at once.
func newAnnouncementLimits(sites int) rateLimits {
	return rateLimits{
		perPublisher: func() quota { return newQuota(8, 32, 128<<10, maxMessage) },
		unknown:      newQuota(64, 2*sites, 2<<20, 8<<20),
		recent:       newQuota(256, 4*sites, 4<<20, 8<<20),
	}
}

// unknownInstanceQuota returns the quota of announcements of unknown instances under the name of one known site.
func unknownInstanceQuota() quota { return newQuota(2, maxInstances, 128<<10, maxMessage) }

// newInterestLimits returns the limits of relays' interests. A relay sends one whenever viewers come or go.
func newInterestLimits() rateLimits {
	return rateLimits{
		perPublisher: func() quota { return newQuota(20, 100, 128<<10, maxMessage) },
		unknown:      newQuota(200, maxRelays, 2<<20, 8<<20),
		recent:       newQuota(500, 2*maxRelays, 4<<20, 8<<20),
	}
}

// How many messages of one subscription, and how many bytes of them, the library holds until they are handled.
const (
	maxPendingMessages     = 1 << 15
	maxPendingMessageBytes = 16 << 20
)
