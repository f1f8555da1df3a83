// Package testpeer starts the real programs that tests talk to: video clips and servers made by ffmpeg, and an RTSP server.
// Nothing in it is camd's own, so a test that passes against it says something about the world outside.
//
//	clip := testpeer.H264.Make(t)                         // path of an .mp4
//	url := testpeer.ServeHTTP(t, testpeer.MJPEG)          // http://127.0.0.1:…/stream.mjpg, served by ffmpeg
//	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "viewer", Password: "secret"})
//
// Every function takes the test it works for and fails or skips that test when it cannot do its work. What it starts
// listens on 127.0.0.1 only, is ended by the test's Cleanup and waited for, and its own messages are logged when the
// test failed. A program that is not installed skips the test on a developer's machine and fails it where CI is set.
package testpeer
