package bus

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// relayInterest is the set of renditions that one relay's viewers watch at this site.
type relayInterest struct {
	*publisher
	until   time.Time
	streams map[streamKey]bool
}

// overflowRelay is the name of the entry that all relays beyond maxRelays share. Its interest is the union of theirs, and
// expires after the newest message of any of them.
const overflowRelay = ""

// handleInterest processes a relay's interest, unless its publisher exceeds its quota.
func (l *localSite) handleInterest(m *nats.Msg) {
	relay, now := peekPublisher(m.Data, "relay"), time.Now()
	if !l.allowsInterest(relay, len(m.Data), now) {
		l.refuse(TooFast)
		return
	}
	w, err := parseInterest(m.Data)
	if err != nil || relay != "" && relay != w.Relay {
		l.refuse(NotUnderstood)
		return
	}
	l.setInterest(w, now)
}

// setInterest replaces a relay's interest.
func (l *localSite) setInterest(w interest, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left {
		return
	}
	if len(w.Watch) == 0 {
		l.removeInterest(w.Relay)
		return
	}
	streams := l.localStreams(w.Watch)
	l.storeInterest(w.Relay, streams, now)
	// announceChanges stops senders that no relay wants. Here that would need a look at all relays for each message.
	for k := range streams {
		l.sendStream(k, slices.Contains(w.Fresh[k.camera], k.rendition))
	}
}

func (l *localSite) allowsInterest(relay string, size int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var known *publisher
	if w := l.interests[relay]; w != nil && relay != overflowRelay {
		known = w.publisher
	}
	return size <= maxMessage && l.interestLimits.allows(known, size, now)
}

// storeInterest stores a relay's interest, in the entry overflowRelay if there is no room.
func (l *localSite) storeInterest(relay string, watch map[streamKey]bool, now time.Time) {
	w := l.interests[relay]
	before := 0
	if w != nil {
		before = len(w.streams)
	}
	if w == nil && len(l.interests) >= maxRelays || l.interestCount-before+len(watch) > maxInterests {
		l.refuse(TooManyRelays)
		l.removeInterest(relay)
		relay, w, before = overflowRelay, l.interests[overflowRelay], 0
		if w != nil {
			before = len(w.streams)
			maps.Copy(watch, w.streams) // no more than there are here
		}
	}
	if w == nil {
		w = &relayInterest{publisher: l.interestLimits.newPublisher(now)}
		l.interests[relay] = w
	}
	w.streams, w.until = watch, now.Add(silenceTimeout)
	l.interestCount += len(watch) - before
}

func (l *localSite) removeInterest(relay string) {
	if w := l.interests[relay]; w != nil {
		l.interestCount -= len(w.streams)
		delete(l.interests, relay)
	}
}

// localStreams returns the renditions of an interest that exist here. The result does not keep the message's memory.
func (l *localSite) localStreams(watch map[string][]string) map[streamKey]bool {
	streams := map[streamKey]bool{}
	for id, o := range l.cameras {
		wanted := watch[id]
		if len(wanted) == 0 {
			continue
		}
		for _, r := range o.camera.Renditions() {
			if slices.Contains(wanted[:min(len(wanted), maxRenditions)], r) {
				streams[streamKey{id, r}] = true
			}
		}
	}
	return streams
}

// interestRetention is how long interests are kept while there is no connection and relays cannot repeat them. Their viewers
// still watch, so frames are still counted. Afterwards, cameras that are opened on demand can close.
const interestRetention = 30 * time.Second

// extendInterests postpones the expiry of all interests, so that relays have time to repeat them on a new connection.
func (l *localSite) extendInterests() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connectedAt = time.Now()
	for _, w := range l.interests {
		w.until = time.Now().Add(silenceTimeout)
	}
}

// updateSenders starts and stops senders according to the interests.
func (l *localSite) updateSenders() {
	down := l.connection.down()
	keep := down > 0 && down < interestRetention
	wanted := map[streamKey]bool{}
	for relay, w := range l.interests {
		if time.Now().After(w.until) && !keep {
			l.removeInterest(relay)
			continue
		}
		maps.Copy(wanted, w.streams)
	}
	for id, o := range l.cameras {
		for r, out := range o.senders {
			if topic, ok := o.camera.Topic(r); !wanted[streamKey{id, r}] || !ok || topic != out.topic {
				out.stop()
			}
			if out.isDone() {
				delete(o.senders, r)
			}
		}
	}
	for k := range wanted {
		l.sendStream(k, false)
	}
}

// sendStream makes sure that a rendition is being sent, if this instance has it. With repeat, a running sender sends the newest
// frame again for a viewer that has no picture yet.
func (l *localSite) sendStream(k streamKey, repeat bool) {
	o := l.cameras[k.camera]
	if o == nil || o.owner != "" {
		return
	}
	// A sender that is ending must have ended first, because two senders would send a frame twice. The next updateSenders tries again.
	if out := o.senders[k.rendition]; out != nil && !out.isDone() {
		if repeat {
			out.requestRepeat()
		}
		return
	}
	// Topic may accept other names for the same rendition. Each would be a stream of its own here.
	if !slices.Contains(o.camera.Renditions(), k.rendition) {
		return
	}
	topic, ok := o.camera.Topic(k.rendition)
	if !ok || topicEnded(topic) {
		return
	}
	o.senders[k.rendition] = l.startSender(o, k, topic)
}

func topicEnded(t *broker.Topic) bool {
	select {
	case <-t.Ended():
		return true
	default:
		return false
	}
}

func (l *localSite) startSender(o *publishedCamera, k streamKey, topic *broker.Topic) *sender {
	if l.counts[k] == nil {
		l.counts[k] = newSendStats()
	}
	if o.streamNumbers[topic] == 0 {
		maps.DeleteFunc(o.streamNumbers, func(t *broker.Topic, _ uint64) bool { return topicEnded(t) })
		l.streamCount++
		o.streamNumbers[topic] = l.streamCount
	}
	out := &sender{
		subject: l.subjects.frames(l.site, k.camera, k.rendition), from: l.instance + "/" + strconv.FormatUint(o.streamNumbers[topic], 10),
		topic: topic, state: func() camera.State { return o.camera.Status().State }, connection: l.connection, count: l.counts[k],
	}
	l.senders.Add(1)
	out.start(l.ctx, l.senders.Done)
	return out
}
