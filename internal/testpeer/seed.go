package testpeer

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed returns what a test draws its chances from, and logs it: the one that SEED in the environment gives back, or another
// each time.
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
