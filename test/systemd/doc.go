// Package systemd tests the built programs and the units of deploy/ with a real systemd. They run in the virtual machine of
// test/v4l2/lab, where the first process is systemd and /dev/video0 is a device of vivid. Run them with
//
//	make test-systemd
//
// Elsewhere the tests do nothing. They log durations and assert none.
package systemd
