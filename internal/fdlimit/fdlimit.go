// Package fdlimit says how many file descriptors there are for connections: what comes from outside must not take those
// that cameras need.
package fdlimit

import "golang.org/x/sys/unix"

// What camd opens beside connections: some of its own, among them those of clients that are being refused, and pipes for each
// capture process.
const (
	baseFiles      = 96
	filesPerCamera = 8
)

// Needed returns how many a camd needs with so many cameras, beside connections.
func Needed(cameras int) int { return baseFiles + filesPerCamera*cameras }

// Limit returns how many files the process may have open. Go's runtime has raised the soft limit to the hard one.
func Limit() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(limit.Max, 1<<30)), nil
}
