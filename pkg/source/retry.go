package source

import (
	"errors"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"

	"camd/pkg/camera"
	"camd/pkg/source/netprobe"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// Limits on waiting between attempts. The jitter keeps cameras behind one switch from retrying in step.
const (
	initialRetryDelay = 500 * time.Millisecond
	maxRetryDelay     = 25 * time.Second // 30 s with the jitter
	jitter            = 0.2
)

// Limits on quick attempts: a server that has restarted answers before its streams exist. The first attempts that find no stream are
// therefore repeated soon.
const (
	streamRetryDelay = 2 * time.Second
	maxStreamRetries = 5
)

func newBackoff() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{InitialInterval: initialRetryDelay, MaxInterval: maxRetryDelay, Multiplier: 2, RandomizationFactor: jitter}
	b.Reset()
	return b
}

// attemptOpen begins an attempt to open the camera. The process starts when the camera's server answers and startQueue grants a slot.
func (s *supervisor) attemptOpen() {
	s.retry = nil
	s.updateStatus(func(st *camera.Status) { st.NextRetry = time.Time{} })
	if src := s.opts.Source; src.IsNetwork() && !s.serverAnswered {
		s.dialing = s.dialer.join(src, s.opts.OpenTimeout)
		return
	}
	s.serverAnswered = false
	s.openWorker()
}

// openWorker starts the worker: at once if it is a session of the readers process, else when startQueue grants a slot.
func (s *supervisor) openWorker() {
	if s.usesReader() {
		s.startWorker()
		return
	}
	s.queuedSlot = s.startQueue.join()
}

// readerFallback is what reads a camera after others could not.
type readerFallback int

const (
	noFallback    readerFallback = iota
	openCVReads                  // a capture process, which passes video on where it can
	openCVDecodes                // a capture process that decodes
)

// fallBack chooses what reads the camera from now on, after its worker could not read what the source sends. It returns false if nothing
// else may be able to. OpenCV cannot check a fingerprint.
func (s *supervisor) fallBack() bool {
	switch {
	case s.opts.TLS.Fingerprint != "":
		return false
	case s.usesReader() && s.opts.Reader != options.ReaderGo:
		s.fallback = openCVReads
	case !s.usesReader() && s.fallback != openCVDecodes && s.opts.Reader != options.ReaderOpenCV:
		s.fallback = openCVDecodes
	default:
		return false
	}
	return true
}

// usesReader reports whether the readers process reads the camera, and not a capture process.
func (s *supervisor) usesReader() bool {
	switch {
	case !s.opts.Source.IsNetwork() || s.opts.Reader == options.ReaderOpenCV:
		return false
	case s.opts.Reader == options.ReaderGo:
		return true
	}
	return s.fallback == noFallback && (!s.lookupFailed || s.opts.TLS.Fingerprint != "") // OpenCV cannot check a fingerprint
}

// handleDialResult handles the result of a dial. If the server answers, the camera waits for a start slot; if not, more dials follow.
func (s *supervisor) handleDialResult(r dialResult) {
	// camd links no C library, so it cannot look up names of mDNS, for instance. The worker can: start it if only the lookup failed.
	if _, isLookup := errors.AsType[*net.DNSError](r.err); r.err != nil && !isLookup {
		s.handleUnreachable(r)
		return
	}
	s.dialing.close()
	s.dialing, s.lookupFailed = nil, r.err != nil
	if s.serverUnreachable && r.err == nil { // earlier failures do not count
		s.backoff.Reset()
		s.streamRetriesLeft = maxStreamRetries
	}
	s.serverUnreachable, s.serverAnswered = false, true
	s.openWorker()
}

// handleUnreachable makes the camera offline until its server answers. An outage counts once, however often the server is dialed.
func (s *supervisor) handleUnreachable(r dialResult) {
	reason, detail := netprobe.Explain(s.opts.Source.URL.Host, r.err)
	if !s.serverUnreachable || reason != s.Reason {
		s.restarts[reason].Add(1)
	}
	s.serverUnreachable, s.freezeDetector = true, freezeDetector{}
	s.updateStatus(func(st *camera.Status) { st.NextRetry = r.next })
	s.setState(camera.Offline, reason, detail)
}

// cancelRetry ends everything that waits for another attempt: the timer, the path watcher, the dials and the place in the start queue.
func (s *supervisor) cancelRetry() {
	s.retry = nil
	s.pathWatcher.close()
	s.dialing.close()
	s.queuedSlot.release()
	s.pathWatcher, s.dialing, s.queuedSlot = nil, nil, nil
	s.updateStatus(func(st *camera.Status) { st.NextRetry = time.Time{} })
}

// handleFailure counts a failure, makes the camera offline and schedules the next attempt. A camera on demand that nobody watches
// becomes idle instead.
func (s *supervisor) handleFailure(reason camera.Reason, detail string) {
	s.restarts[reason].Add(1)
	if reason != camera.Frozen { // a frozen camera may still be frozen after it was opened again
		s.freezeDetector = freezeDetector{}
	}
	if s.hasFrame {
		s.backoff.Reset()
		s.hasFrame, s.serverAnswered, s.streamRetriesLeft = false, false, maxStreamRetries
	} else {
		s.fallback = noFallback // it reads the camera no better: a camera that starts may answer with nonsense at first
	}
	if s.opts.OnDemand && !s.hasAnyReader() {
		s.cancelRetry()
		s.setState(camera.Idle, camera.None, "")
		return
	}
	if reason == camera.EndOfFile && s.opts.Once {
		s.setState(camera.Offline, reason, detail)
		return
	}
	wait := s.retryBackoff(reason)
	s.retry = time.After(wait)
	if s.pathWatcher == nil && (s.opts.Source.Kind == sourceurl.Device || s.opts.Source.Kind == sourceurl.File) {
		s.pathWatcher = watchPath(s.opts.Source.Path, s.log)
	}
	s.updateStatus(func(st *camera.Status) { st.NextRetry = time.Now().Add(wait) })
	s.setState(camera.Offline, reason, detail)
}

// retryBackoff returns how long to wait before the next attempt after a failure.
func (s *supervisor) retryBackoff(reason camera.Reason) time.Duration {
	switch {
	case reason == camera.Auth: // many cameras lock a user out after a few attempts with a wrong password
		return withJitter(maxRetryDelay)
	case reason == camera.NotFound && s.streamRetriesLeft > 0:
		s.streamRetriesLeft--
		return withJitter(streamRetryDelay)
	}
	return s.backoff.NextBackOff()
}
