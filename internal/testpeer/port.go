package testpeer

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreePort chooses ports below the range of the kernel for outgoing connections, because some tests open thousands of them.
const (
	lowestPort  = 10_000
	highestPort = 32_767
)

// FreePort returns a TCP port of 127.0.0.1 on which nothing listens. Until the test has ended, no other test gets the port, also in another
// process: an abstract unix socket with its number reserves it.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		reserved, err := net.Listen("unix", fmt.Sprintf("@camd-test-port-%d", port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			_ = reserved.Close()
			continue
		}
		_ = l.Close()
		t.Cleanup(func() { _ = reserved.Close() })
		return port
	}
	t.Fatalf("no free port from %d to %d", lowestPort, highestPort)
	return 0
}
