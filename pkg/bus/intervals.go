package bus

import "time"

// How often a bus announces its cameras, and after how long without announcements an instance counts as gone.
const (
	pollInterval         = 250 * time.Millisecond // between checks for changes
	announcementInterval = 2 * time.Second        // between announcements while nothing has changed
	silenceTimeout       = 3 * announcementInterval
)
