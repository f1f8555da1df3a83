// Package e2e tests the built programs bin/camd and bin/camd-capture as users run them: with a command line and a configuration file.
// Package testpeer has the cameras, and the clients are real programs: curl, ffmpeg, GStreamer, OpenCV, Prometheus, Chromium, Firefox.
//
// The programs are in the directory CAMD_BIN, by default in bin of this repository; run make build first. A test whose third-party
// program is not installed is skipped. It fails if CI is set.
//
// A test begins with t.Parallel() unless it has tens of viewers that read all the time, opens thousands of connections, or sets
// environment variables. Such tests run alone, because other tests of this process would not get to read for seconds.
//
// Cameras of the test pattern have a long stall_timeout, and the configuration a long write_timeout, because a busy machine may stop a
// process for seconds.
package e2e
