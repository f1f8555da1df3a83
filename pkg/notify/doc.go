// Package notify turns the state changes of cameras into notices: a camera is in trouble, is healthy again, or was turned off. The
// packages pkg/notify/webhook and pkg/notify/mqtt deliver them. Each of their receivers has its own [Watcher].
//
// A [Watcher] reads the histories of the cameras at each [Watcher.Poll]. The changes in them have times, so the notices do not
// depend on how often it polls. It returns a [Notice] when a camera's [Condition] has changed and lasted for a configured time:
//
//   - A trouble that is shorter causes no notice.
//   - A trouble causes one notice when it begins, and one when it ends, even if its reason changes.
//   - If a camera fails again and again, it must be healthy for twice as long each time before the next notice. So a flapping
//     camera does not flood its receivers.
//
// The conditions are kept in memory only. After a restart there is another notice of a camera that is in trouble. There is none of
// a camera that has recovered meanwhile.
package notify
