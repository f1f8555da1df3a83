package viewers

// Reasons for which published frames did not reach a viewer.
const (
	DropSlow      = "slow_viewer" // it was still taking an earlier one
	DropRate      = "fps_limit"   // it asked for fewer
	DropOverLimit = "byte_limit"  // it had reached its limit of bytes per second
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
