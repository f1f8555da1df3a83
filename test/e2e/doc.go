// Package e2e tests camd as its users meet it: the built programs bin/camd and bin/camd-capture, started with a command
// line and a configuration file, in front of real cameras' stand-ins (package testpeer) and behind real clients: curl,
// ffmpeg, GStreamer, OpenCV, Prometheus, Chromium. It imports nothing of camd but the reader of the test picture's frame
// number.
//
// The programs are those in the directory CAMD_BIN, else in bin of this repository: run make build first. Programs of
// others that are not installed skip their test, or fail it where CI is set.
//
// A test begins with t.Parallel() unless it has tens of viewers that read all the time, opens thousands of connections, or sets
// environment variables. Those run alone: beside others they would keep this process from reading for seconds.
package e2e
