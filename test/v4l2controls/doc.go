// Package v4l2controls tests image controls from end to end: the built programs bin/camd and bin/camd-capture (or those in
// the directory CAMD_BIN), a real driver, and v4l2-ctl to say what the device has. The device is the one that CAMD_V4L2
// names. It must have a brightness and a contrast, and is expected to be vivid: its unplugging is tested only then.
package v4l2controls
