// Package systemd tests camd as a service of a real systemd: the built programs and the files of deploy/, as they are, in the
// virtual machine of test/v4l2/lab, where the first process is systemd and /dev/video0 a driver's. Run them with
//
//	make test-systemd
//
// Elsewhere the tests do nothing. They assert no times of their own: how long systemd waits is systemd's, and the rest is
// logged.
package systemd
