// Package fdlimit calculates how many file descriptors are left for connections. Clients must not use up the descriptors that the cameras
// need.
package fdlimit

import "golang.org/x/sys/unix"

// Estimates of the files that camd opens in addition to accepted connections: its own files and the connections that it is about to refuse,
// and the pipes of each capture process.
const (
	baseFiles      = 96
	filesPerCamera = 8
)

// Needed returns how many files camd needs for that number of cameras, in addition to connections.
func Needed(cameras int) int { return baseFiles + filesPerCamera*cameras }

// Limit returns how many files the process may have open. That is the hard limit, because Go's runtime raises the soft limit to it.
func Limit() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(limit.Max, 1<<30)), nil
}
