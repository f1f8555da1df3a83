package testpeer

import (
	"os"
	"syscall"
	"testing"
)

func TestSignalRefusesProcessGroups(t *testing.T) {
	for _, pid := range []int{0, -1, -os.Getpid()} {
		if Signal(pid, 0) == nil { // signal 0 only checks whether a signal could be sent
			t.Errorf("%d: sent", pid)
		}
	}
	if err := Signal(os.Getpid(), syscall.Signal(0)); err != nil {
		t.Error(err)
	}
}

func TestSeedComesFromEnvironment(t *testing.T) {
	t.Setenv("SEED", "42")
	if got := Seed(t); got != 42 {
		t.Errorf("got %d", got)
	}
	t.Setenv("SEED", "")
	if a, b := Seed(t), Seed(t); a == 42 || a == b {
		t.Errorf("got %d and %d", a, b)
	}
}
