package testpeer

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed returns the seed for the random numbers of a test, and logs it. The environment variable SEED sets it. Otherwise each call returns a
// new one.
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
