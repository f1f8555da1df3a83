package broker

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hangTimeout is how long a test may block before it fails.
const hangTimeout = 2 * time.Minute

// withHangTimeout returns a context that ends a test which hangs.
func withHangTimeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), hangTimeout)
	t.Cleanup(cancel)
	return ctx
}

// testFrame returns a frame whose bytes follow from its Seq.
func testFrame(seq uint64) Frame {
	part := make([]byte, 64)
	for i := 0; i < len(part); i += 8 {
		binary.BigEndian.PutUint64(part[i:], seq*uint64(i+1))
	}
	return Frame{Wire: part, Data: part[16:48], Key: true, PTS: time.Duration(seq)}
}

// isIntact reports whether f holds what picture made for its Seq.
func isIntact(f *Frame) bool {
	for i := 0; i < len(f.Wire); i += 8 {
		if binary.BigEndian.Uint64(f.Wire[i:]) != f.Seq*uint64(i+1) {
			return false
		}
	}
	return len(f.Wire) == 64 && &f.Wire[16] == &f.Data[0] && f.PTS == time.Duration(f.Seq)
}

// publishUntil publishes frames until the topic has had n.
func publishUntil(t *Topic, n uint64) {
	for t.Published() < n {
		t.Publish(testFrame(t.Published() + 1))
	}
}
