// Package broker carries frames from one publisher to any number of readers. The publisher never waits for readers.
//
// # Usage
//
// A [Topic] is one stream of frames: one track of a camera. One goroutine calls [Topic.Publish]. Each reader calls [Topic.Subscribe] and
// then [Subscription.Next]. The [Mode] of a subscription says which frames its reader gets: the newest, all, or those that it can decode.
// The package knows no codec: the publisher marks keyframes and what refers to what.
//
// # Promises
//
//   - A frame is immutable once it is published. Readers share its bytes and never copy or free them. The garbage collector frees a
//     frame when neither the ring nor a reader refers to it.
//   - The cost of Publish does not depend on the number of subscriptions, as long as their readers are busy and do not wait.
//   - For every subscription, received + dropped = passed, exactly. Each frame carries its sequence number (from 1, without gaps), so a
//     reader finds out from the frame in the slot how many frames it has missed. Each dropped frame has one reason, see [Drops].
//   - A new subscription starts at the newest frame, and one for video at the newest keyframe, so a viewer gets a picture at once. If the
//     ring does not hold the whole group of pictures, viewers of video wait for the next keyframe: see [Topic.Joinable].
//   - A reader in mode [Decodable] gets no frame without the frames that it refers to, and none that is older than [LateAfter], except
//     while it catches up after it has joined.
//   - After [Topic.End], readers get the frames that are left and then [ErrEnded].
//   - A ring holds a limited number of frames, bytes and groups of pictures, for a limited time. It drops the oldest frames first and never
//     the newest. A frame counts as dropped for each reader that has not passed it. A [Budget] bounds the bytes of several topics together.
//   - [Topic.Withdraw] makes all frames that a topic holds unreachable, and keeps their sequence numbers.
//
// # Locks
//
// Reading and writing frames is lock-free: a slot is one atomic pointer, and the head is one atomic integer. Only the publisher writes
// slots. It empties only slots below the head, so a reader that finds an empty slot also finds a newer head. The newest keyframe is an
// atomic integer that the publisher moves before the head. Budgets are atomic counters that only publishers use.
//
// Waking readers is not lock-free. Waiting readers share one channel that Publish closes, and the Go runtime locks it to wake them.
// While no reader waits, there is no such channel. Subscribe and Close take a mutex that Publish and Next do not take.
//
// # Ownership
//
// The package starts no goroutine except for one timer of each topic, see [Options].Linger. A subscription belongs to the
// goroutine that calls Next. Any goroutine may call [Subscription.Stats], [Subscription.SetPeriod] and [Subscription.Close].
package broker
