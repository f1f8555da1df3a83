package httpapi

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/pkg/httpapi/viewers"
)

// /proc/net/tcp shows when the kernel sends the next probe: a timer of kind 2, in hundredths of a second.
func TestStreamsUseKeepAliveProbes(t *testing.T) {
	cam := newTestCamera("door")
	s := startServer(t, Options{}, cam)
	cam.publish(1)
	c := dialStream(t, s, "/cameras/door/stream.mjpg")
	local, remote := c.RemoteAddr().(*net.TCPAddr).Port, c.LocalAddr().(*net.TCPAddr).Port // as the server sees it
	eventually(t, "a probe is due sooner than by default", func() bool {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			if len(f) < 6 || !strings.HasSuffix(f[1], fmt.Sprintf(":%04X", local)) || !strings.HasSuffix(f[2], fmt.Sprintf(":%04X", remote)) {
				continue
			}
			kind, when, _ := strings.Cut(f[5], ":")
			due, err := strconv.ParseInt(when, 16, 64)
			// The default is 15 s. It applies until the request has been read.
			if in := time.Duration(due) * 10 * time.Millisecond; kind == "02" && in > viewers.KeepAlive.Idle {
				return false
			}
			return err == nil && kind == "02"
		}
		return false
	})
}
