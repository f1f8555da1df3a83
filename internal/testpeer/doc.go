// Package testpeer starts the real programs that tests talk to, such as ffmpeg, mosquitto and nats-server. It also makes video clips and runs
// an RTSP server. It uses no code of camd, so a test against it shows that camd works with other implementations.
//
//	clip := testpeer.H264.Make(t)                         // path of an .mp4
//	url := testpeer.ServeHTTP(t, testpeer.MJPEG)          // http://127.0.0.1:…/stream.mjpg, served by ffmpeg
//	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "viewer", Password: "secret"})
//
// Every function takes a test, and fails or skips it if it cannot do its work. Programs listen only on 127.0.0.1. The test's Cleanup stops
// them and waits until they have ended. If the test fails, their messages are logged. If a program is not installed, the test is skipped,
// and fails if CI is set.
package testpeer
