// Package broker carries frames from one publisher to any number of readers. The publisher never waits for readers.
//
// # Usage
//
// A [Topic] is one stream of frames: one camera in one rendition. One goroutine calls [Topic.Publish]. Each reader calls
// [Topic.Subscribe] and then [Subscription.Next].
//
// # Promises
//
//   - A frame is immutable once it is published. Readers share its bytes and never copy or free them. The garbage collector frees a
//     frame when neither the ring nor a reader refers to it.
//   - The cost of Publish does not depend on the number of subscriptions, as long as their readers are busy and do not wait.
//   - For every subscription, received + dropped = passed, exactly. Each frame carries its sequence number (from 1, without gaps), so a
//     reader finds out from the frame in the slot how many frames it has missed.
//   - A new subscription starts at the newest frame, so a viewer gets a picture at once.
//   - After [Topic.End], readers get the frames that are left and then [ErrEnded].
//   - A ring holds a limited number of frames and bytes. It drops the oldest frames first and never the newest. A frame counts as
//     dropped for each reader that has not passed it. A [Budget] bounds the bytes of several topics together.
//   - [Topic.Withdraw] replaces all frames that a topic holds by another frame, and keeps their sequence numbers.
//
// # Locks
//
// Reading and writing frames is lock-free: a slot is one atomic pointer, and the head is one atomic integer. Only the publisher writes
// slots. It empties only slots below the head, so a reader that finds an empty slot also finds a newer head. Budgets are atomic
// counters that only publishers use.
//
// Waking readers is not lock-free. Waiting readers share one channel that Publish closes, and the Go runtime locks it to wake them.
// While no reader waits, there is no such channel. Subscribe and Close take a mutex that Publish and Next do not take.
//
// # Ownership
//
// The package starts no goroutine except for the timer of [Options].Linger. A subscription belongs to the goroutine that calls Next.
// Any goroutine may call [Subscription.Stats] and [Subscription.Close].
package broker
