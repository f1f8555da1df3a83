package broker

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watchdog is how long a test may hang before it is called one that hangs.
const watchdog = 2 * time.Minute

// watched returns a context that ends a test which hangs.
func watched(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	t.Cleanup(cancel)
	return ctx
}

// picture returns a frame whose bytes can be told from its Seq alone.
func picture(seq uint64) Frame {
	part := make([]byte, 64)
	for i := 0; i < len(part); i += 8 {
		binary.BigEndian.PutUint64(part[i:], seq*uint64(i+1))
	}
	return Frame{Part: part, JPEG: part[16:48], Width: int(seq % 4096)}
}

// intact reports whether f holds what picture made for its Seq.
func intact(f *Frame) bool {
	for i := 0; i < len(f.Part); i += 8 {
		if binary.BigEndian.Uint64(f.Part[i:]) != f.Seq*uint64(i+1) {
			return false
		}
	}
	return len(f.Part) == 64 && &f.Part[16] == &f.JPEG[0] && f.Width == int(f.Seq%4096)
}

// publish publishes frames until the topic has had n.
func publish(t *Topic, n uint64) {
	for t.Published() < n {
		t.Publish(picture(t.Published() + 1))
	}
}
