package wall

import "time"

// linkLevel is how much the connection carries of one camera.
type linkLevel int

const (
	linkGood linkLevel = iota // everything
	linkSub                   // no full video
	linkJPEG                  // a JPEG once a second
)

const (
	// lossWindow is how long frames are counted before they say something about the connection.
	lossWindow = 3 * time.Second
	// maxLossPercent is the share of frames that may be late before the level goes down.
	maxLossPercent = 20
	// firstRetry is how long a connection has to be without loss before the level goes up. It doubles with each attempt that fails, up
	// to maxRetry.
	firstRetry = 15 * time.Second
	maxRetry   = 5 * time.Minute
	// attemptTime is how long a level has to last after it went up. Before, buffers on the way may still hide that it is too much.
	attemptTime = 20 * time.Second
)

// link is the state of the connection as one camera sees it. The zero value is a good connection. All times come in.
type link struct {
	// skipsSub says that linkSub sends the same as one of its neighbours: the view is of sub already, or there is none. Then the levels
	// are linkGood and linkJPEG. The owner sets it before review.
	skipsSub bool

	current      linkLevel
	begin        time.Time     // of the window; zero before the first frames
	frames, late uint64        // in the window
	clean        time.Duration // without loss at this level, while frames were sent
	wait         time.Duration // clean time before the next attempt; 0 means firstRetry
	tried        time.Time     // when the level went up, until attemptTime has passed; else zero
}

func (l *link) level() linkLevel { return l.current }

// sent notes how many frames were sent, and how many were left out as late or for missing acknowledgements, since the last call.
func (l *link) sent(now time.Time, frames, late uint64) {
	if l.begin.IsZero() {
		l.begin = now
	}
	l.frames += frames
	l.late += late
}

// trying reports whether the level went up a short while ago, so that it may be too much for the connection.
func (l *link) trying(now time.Time) bool { return !l.tried.IsZero() && now.Sub(l.tried) < attemptTime }

// review changes the level by what was sent since the last window, and reports whether it has changed it. mayTry allows it to go up:
// only one camera of a connection tries at a time, so that the others do not suffer together.
func (l *link) review(now time.Time, mayTry bool) (changed bool) {
	if l.begin.IsZero() || now.Sub(l.begin) < lossWindow {
		return false
	}
	window, frames, late := now.Sub(l.begin), l.frames, l.late
	l.begin, l.frames, l.late = now, 0, 0
	switch {
	case late > 0:
		l.clean = 0
	case frames > 0: // without frames, nothing is known about the connection
		l.clean += min(window, 2*lossWindow) // a window is longer if the camera was paused
	}
	if late*100 > (frames+late)*maxLossPercent {
		return l.lower(now)
	}
	if !l.tried.IsZero() && !l.trying(now) { // the attempt has succeeded
		l.tried, l.wait = time.Time{}, firstRetry
	}
	if !mayTry || l.current == linkGood || l.clean < max(l.wait, firstRetry) {
		return false
	}
	l.move(now, -1)
	l.tried = now
	return true
}

// giveUp ends an attempt that harms the other cameras of the connection. It reports whether there was one.
func (l *link) giveUp(now time.Time) (changed bool) { return l.trying(now) && l.lower(now) }

// lower moves the level down by one, and reports whether there was a lower one.
func (l *link) lower(now time.Time) bool {
	if l.trying(now) {
		l.wait = min(2*max(l.wait, firstRetry), maxRetry)
	}
	l.tried = time.Time{}
	if l.current == linkJPEG {
		return false
	}
	l.move(now, 1)
	return true
}

// move moves the level by a step of 1 or -1, and begins to count for the new one.
func (l *link) move(now time.Time, step linkLevel) {
	l.current += step
	if l.skipsSub && l.current == linkSub {
		l.current += step
	}
	l.begin, l.frames, l.late, l.clean = now, 0, 0, 0
}
