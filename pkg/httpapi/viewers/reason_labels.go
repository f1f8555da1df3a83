package viewers

// Why frames that were published did not reach a viewer.
const (
	DropSlow      = "slow_viewer" // it was still taking an earlier one
	DropRate      = "fps_limit"   // it asked for fewer
	DropOverLimit = "byte_limit"  // it may not have more bytes a second
)

// Why a viewer was cut off.
const (
	CutStalled  = "write_timeout" // it took nothing for the write timeout
	CutShutdown = "shutdown"      // camd stopped
	CutAccess   = "access"        // it may not watch any more: its link or session ended, or the configuration has changed
	CutRemoved  = "removed"       // the camera or rendition was taken out of the configuration
)

// CutReasons lists all reasons for which viewers are cut off.
var CutReasons = []string{CutStalled, CutShutdown, CutRemoved, CutAccess}

// Why a viewer was not admitted.
const (
	LimitViewers    = "viewers"
	LimitPerCamera  = "viewers_per_camera"
	LimitPerAddress = "viewers_per_address"
	LimitBytes      = "bytes_per_second"
)
