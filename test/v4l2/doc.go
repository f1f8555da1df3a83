// Package v4l2 tests the built programs with the V4L2 drivers vivid and v4l2loopback, in a virtual machine, because the tests unplug
// devices and trigger faults of drivers. Run them with
//
//	make test-v4l2
//
// which builds the machine once (lab/setup) and passes the test program to lab/run. Elsewhere the tests do nothing.
//
// Devices: /dev/video0 and 1 are vivid's webcams, which deliver raw formats only, at a rate that depends on the size;
// /dev/video2 and 3 are the metadata and output nodes beside the first; /dev/video20 and 21 are v4l2loopback's, which are
// cameras while a program writes to them.
package v4l2
