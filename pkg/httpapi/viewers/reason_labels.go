package viewers

// Reasons for which published frames did not reach a viewer.
const (
	DropLate      = "late"       // the viewer was still taking an earlier one
	DropLapped    = "lapped"     // video: the ring had dropped it before the viewer came to it
	DropResync    = "resync"     // video: it could not be decoded, because one that it needs was dropped
	DropWithdrawn = "withdrawn"  // video: the camera was turned off
	DropRate      = "fps_limit"  // the viewer asked for fewer
	DropOverLimit = "byte_limit" // the viewer had reached its limit of bytes per second
)

// PictureDropReasons lists the reasons that viewers of pictures have. VideoDropReasons lists those of viewers of H.264 and H.265.
var (
	PictureDropReasons = []string{DropLate, DropRate, DropOverLimit}
	VideoDropReasons   = []string{DropLate, DropLapped, DropResync, DropWithdrawn, DropOverLimit}
)

// Reasons for which a viewer was disconnected.
const (
	CutStalled  = "write_timeout" // it took nothing for the write timeout
	CutShutdown = "shutdown"      // camd stopped
	CutAccess   = "access"        // it lost access: its link or session ended, or the configuration has changed
	CutRemoved  = "removed"       // the camera or rendition was taken out of the configuration
)

// CutReasons lists all reasons for which viewers are disconnected.
var CutReasons = []string{CutStalled, CutShutdown, CutRemoved, CutAccess}

// Reasons for which a viewer was not admitted.
const (
	LimitViewers    = "viewers"
	LimitPerCamera  = "viewers_per_camera"
	LimitPerAddress = "viewers_per_address"
	LimitBytes      = "bytes_per_second"
)
