// Package audit writes down who did what, when and from where: who viewed a camera and for how long, who switched it, who logged
// in. Each [Event] is a line of a log of its own, with fields that docs/audit.md promises to keep.
//
// A view of a stream is two lines, its beginning and its end. Snapshots are asked for again and again: a person's of one camera
// are a line at the first and then one a minute, with their count ([Log.Glance]). Nothing is written for a frame, and no
// method waits for anything but the log.
//
// # What is personal
//
// Names and addresses are. Addresses can be shortened to a network or left out ([Addresses]), and without a logger nothing is
// written or kept. What somebody typed is never written: a name is that of somebody who is known.
package audit
