package bus

import "time"

// How often a bus announces, and when silence counts as an end. Three announcements may be lost.
const (
	pollInterval         = 250 * time.Millisecond // between checks for changes
	announcementInterval = 2 * time.Second        // between announcements while nothing has changed
	silenceTimeout       = 3 * announcementInterval
)
