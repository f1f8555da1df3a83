// Package audit writes the audit log: who viewed a camera and for how long, who turned it off, who logged in, and from where. Each
// [Event] is one line of a separate log. docs/audit.md describes the fields, which are stable.
//
// A view of a stream has two lines, at its start and at its end. Snapshots are requested again and again. So the log has one line
// for an actor's first snapshot of a stream, and then at most one a minute, with their count: see [Log.SnapshotTaken]. Frames have
// no lines. No method waits for anything but the log.
//
// # Personal data
//
// Names and addresses are personal data. [Addresses] can shorten addresses to a network or leave them out. Without a logger,
// nothing is written or kept. Callers record names of known users only, and never other text that a client has sent as a name.
package audit
