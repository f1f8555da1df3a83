package testpeer

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed returns the seed for the random numbers of a test, and logs it. It is SEED of the environment if that is set, and otherwise a new
// one each time.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("SEED: %v", err)
		}
	}
	t.Logf("SEED=%d", seed)
	return seed
}
