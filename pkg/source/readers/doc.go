// Package readers reads network cameras in one process for all of them, apart from camd. A library can panic in a goroutine that it started
// itself, where nothing recovers it. In a process of its own that ends no viewer's connection.
//
// [Run] receives cameras from package handover. Each camera is a session with goroutines and two pipes of its own:
//
//   - one goroutine reads camd's commands;
//   - the library's goroutines read the camera, and put its frames into a queue;
//   - one goroutine writes the queue to the pipe for messages.
//
// The queue is bounded by frames and bytes. If camd does not read the pipe, frames are left out up to the next keyframe, and counted as
// lost. So one session never waits for another.
//
// All goroutines of a session, and those that libraries start in it, have the label [CameraLabel]. With GODEBUG=tracebacklabels=1, a panic's
// traceback names the camera.
package readers
