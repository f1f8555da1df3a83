package bus

import (
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"
)

// refusalLogInterval is the least time between two log lines about messages refused for one reason.
const refusalLogInterval = time.Minute

// remedies say for each reason in RefusedCauses what an administrator can do.
var remedies = map[string]string{
	NotUnderstood:    "find the program that publishes other messages under this prefix, or run the same camd version everywhere",
	WrongPublisher:   "give each site an account at the NATS server that can publish its own subjects only",
	TooFast:          "give each site an account at the NATS server; another program may flood the bus",
	TooManySites:     "raise bus.max_sites if you have more sites",
	TooManyInstances: "give each camd its own site name",
	TooManyCameras:   "raise bus.max_cameras if you have more cameras",
	TooManyRelays:    "stop relays that you do not need; check which programs use the bus",
	UnprovenClaim:    "give each camd its own site name, and each site its own account at the NATS server",
	TooManyPieces:    "check the connection between the NATS server and this camd: it may be too slow",
}

// refusals counts the messages that are refused, by reason, and logs them once a minute at most for each reason.
type refusals struct {
	log    *zap.Logger
	mu     sync.Mutex
	counts map[string]uint64
	logged map[string]loggedRefusal
}

type loggedRefusal struct {
	count uint64
	at    time.Time
}

func newRefusals(log *zap.Logger) *refusals {
	return &refusals{log: log, counts: map[string]uint64{}, logged: map[string]loggedRefusal{}}
}

func (r *refusals) add(cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[cause]++
}

func (r *refusals) snapshot() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}

// logNew logs how many messages have been refused since the last log line for each reason. It is called every pollInterval.
func (r *refusals) logNew(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cause, count := range r.counts {
		last := r.logged[cause]
		if count == last.count || !last.at.IsZero() && now.Sub(last.at) < refusalLogInterval {
			continue
		}
		r.logged[cause] = loggedRefusal{count, now}
		r.log.Warn("bus messages refused", zap.String("reason", cause), zap.Uint64("count", count-last.count), zap.String("remedy", remedies[cause]))
	}
}
