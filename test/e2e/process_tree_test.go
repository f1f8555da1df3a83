package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// processTree returns a process and all its descendants.
func processTree(pid int) []int {
	tree := []int{pid}
	for _, child := range children(pid) {
		if !slices.Contains(tree, child) {
			tree = append(tree, processTree(child)...)
		}
	}
	return tree
}

// treeCPUTime returns the CPU time of all threads of a process and its descendants by the kernel's clocks, in nanoseconds. /proc/PID/stat
// counts the same in hundredths of a second.
func treeCPUTime(t testing.TB, pid int) (sum time.Duration) {
	t.Helper()
	const perProcess = 2 // the scheduler's clock, see clock_getcpuclockid(3)
	for _, p := range processTree(pid) {
		var used unix.Timespec
		err := unix.ClockGettime(int32(^p<<3|perProcess), &used)
		if err != nil && !errors.Is(err, unix.EINVAL) { // it has ended
			t.Fatal(err)
		}
		sum += time.Duration(used.Nano())
	}
	return sum
}

// treeMemory returns the resident memory of a process and its descendants, in MB.
func treeMemory(t testing.TB, pid int) (sum float64) {
	t.Helper()
	for _, p := range processTree(pid) {
		mb, err := readMegabytes(p, "Rss")
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
		sum += mb
	}
	return sum
}

// childWithArgument returns a child process whose command line has an argument; 0 if there is none.
func childWithArgument(pid int, argument string) int {
	for _, child := range children(pid) {
		line, _ := os.ReadFile(filepath.Join("/proc", itoa(child), "cmdline")) // it may have ended
		if slices.Contains(strings.Split(string(line), "\x00"), argument) {
			return child
		}
	}
	return 0
}
