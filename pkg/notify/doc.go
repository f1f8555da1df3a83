// Package notify decides what of a camera's states is worth telling to somebody who does not look: that it is in trouble,
// that it is well again, that a person has switched it off. Who is told is for the packages below it, each of which has a
// [Watcher] of its own: pkg/notify/webhook and pkg/notify/mqtt.
//
// A [Watcher] reads the cameras' histories whenever it is asked to look. It is told of every change with its time, so that it
// makes no difference how often it looks. It tells of a condition that has held for a while, and only of changes:
//
//   - trouble that is over within that while is not told,
//   - one trouble is told once, whatever its reasons are in the course of it, and so is its end,
//   - a camera that comes and goes must be well for twice as long each time before that is told, so that nobody is flooded.
//
// What has been told is kept in memory: after a new start a camera that is in trouble is told of again, and one that has come
// back meanwhile is not.
package notify
