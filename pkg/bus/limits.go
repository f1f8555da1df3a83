package bus

import (
	"time"

	"golang.org/x/time/rate"
)

// SiteLimits bound what a relay keeps of other sites. A zero field is its default.
type SiteLimits struct {
	Sites   int // other sites; 0 means DefaultSites
	Cameras int // cameras of all other sites together; 0 means DefaultCameras
}

// The defaults of SiteLimits. A relay with both tables full takes some 30 MB for them.
const (
	DefaultSites   = 1024
	DefaultCameras = 4096
)

func (l SiteLimits) orDefault() SiteLimits {
	if l.Sites == 0 {
		l.Sites = DefaultSites
	}
	if l.Cameras == 0 {
		l.Cameras = DefaultCameras
	}
	return l
}

const (
	// newPublisherPeriod is how long a publisher must be known before it has no limit in common with others.
	newPublisherPeriod = 10 * time.Second
	// establishedAfter is how long a site must have announced itself before no new site can take its place while it is silent.
	establishedAfter = 10 * time.Minute
)

// quota is how many messages and bytes may come in a time.
type quota struct{ messages, bytes *rate.Limiter }

// newQuota returns a quota per second. It may be exceeded by what is unused, up to the burst.
func newQuota(messages rate.Limit, burst int, bytes rate.Limit, byteBurst int) quota {
	return quota{rate.NewLimiter(messages, burst), rate.NewLimiter(bytes, byteBurst)}
}

// allows reports whether a message of size bytes is within the quota, and counts it.
func (q quota) allows(now time.Time, size int) bool {
	return q.messages.AllowN(now, 1) && q.bytes.AllowN(now, size)
}

// publisher is how much one publisher has sent. NATS does not say who published a message, so it is known by the name that it
// gives itself: two publishers under one name share a quota.
type publisher struct {
	firstSeen time.Time // when it was first heard
	quota     quota
}

// admission decides, before a message is parsed, whether it is taken. Each publisher that is known has a quota of its own, so that
// no other one can use it up. All new publishers share one, and so do those that became known a moment ago: somebody who makes
// up names has the quota of one publisher, and not that of many.
type admission struct {
	perPublisher    func() quota
	unknown, recent quota
}

func (i admission) newPublisher(now time.Time) *publisher {
	return &publisher{firstSeen: now, quota: i.perPublisher()}
}

// allows reports whether a message of size bytes is taken; p is nil for a publisher that is not known.
func (i admission) allows(p *publisher, size int, now time.Time) bool {
	switch {
	case p == nil:
		return i.unknown.allows(now, size)
	case !p.quota.allows(now, size):
		return false
	}
	return now.Sub(p.firstSeen) >= newPublisherPeriod || i.recent.allows(now, size)
}

// announcementAdmission is that of sites' announcements. A site sends at most four a second, and one in two seconds while nothing
// changes. All sites may announce themselves at once, when a relay starts.
func announcementAdmission(sites int) admission {
	return admission{
		perPublisher: func() quota { return newQuota(8, 32, 128<<10, maxMessage) },
		unknown:      newQuota(64, 2*sites, 2<<20, 8<<20),
		recent:       newQuota(256, 4*sites, 4<<20, 8<<20),
	}
}

// unknownInstanceQuota is that of the announcements of instances that a known site is not known to have.
func unknownInstanceQuota() quota { return newQuota(2, maxInstances, 128<<10, maxMessage) }

// newInterestAdmission is that of what relays say their viewers watch. A relay speaks whenever viewers come and go.
func newInterestAdmission() admission {
	return admission{
		perPublisher: func() quota { return newQuota(20, 100, 128<<10, maxMessage) },
		unknown:      newQuota(200, maxRelays, 2<<20, 8<<20),
		recent:       newQuota(500, 2*maxRelays, 4<<20, 8<<20),
	}
}

// waiting bounds the messages that the library holds before they are looked at: so many, and so many bytes.
const (
	maxPendingMessages     = 1 << 15
	maxPendingMessageBytes = 16 << 20
)
