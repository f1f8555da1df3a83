// Package broker carries frames from one publisher to any number of readers without either ever waiting for the other.
//
// # Usage
//
// A [Topic] is one stream of frames: a camera in one rendition. One goroutine calls [Topic.Publish]; any number
// call [Topic.Subscribe] and then [Subscription.Next].
//
// # What is promised
//
//   - A frame is immutable once published. Readers share its bytes; nobody copies and nobody frees: the garbage
//     collector reclaims a frame when the ring and its last reader have let go of it.
//   - Publish costs the same with no subscriber and with ten thousand busy ones. It looks at none of them.
//   - Conservation: for every subscription, received + dropped = passed, exactly. Each frame carries its own
//     sequence number (from 1, without gaps), so the slot itself tells a reader that it was overtaken and by how many.
//   - A new subscription starts at the newest frame: a picture at once.
//   - After [Topic.End] no frame follows, and waiting readers get [ErrEnded].
//   - A ring holds a limited number of frames and of bytes. Its oldest frames are dropped first, its newest never; for a reader
//     that has not passed them they count as dropped. A [Budget] bounds the bytes of several topics together.
//   - [Topic.Withdraw] takes back what is held: another frame stands in for each, under its number.
//
// # What is lock-free and what is not
//
// Every read and every write of a frame is: a slot is one atomic pointer, the head one atomic integer, and a reader
// only compares. Only the publisher writes slots, and it empties only those below the head: a reader that finds an empty slot
// reads the head again and finds a newer one. Budgets are atomic counters that only publishers use. Waking is not: readers that wait share one channel, which Publish closes, and the Go runtime takes
// that channel's lock to wake them. A publisher whose readers are all busy makes no channel and touches none.
// Subscribing and unsubscribing take a mutex that frames never meet.
//
// # Ownership
//
// The package starts no goroutine but the timer of [Options].Linger. A subscription belongs to the goroutine that calls
// Next and is closed by it; its [Subscription.Stats] may be read from anywhere.
package broker
