package testpeer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"camd/internal/testrun"
)

// NATS is Debian's nats-server as a process.
type NATS struct {
	URL string // nats://127.0.0.1:port

	t       testing.TB
	config  string
	address string
	process *testrun.Process
}

// ServeNATS starts a server. config is the rest of its configuration, in the format of nats-server.
func ServeNATS(t testing.TB, config string) *NATS {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	n := &NATS{URL: "nats://" + address, t: t, address: address, config: filepath.Join(t.TempDir(), "nats.conf")}
	n.writeConfig(config)
	n.Start()
	t.Cleanup(func() {
		n.process.Kill()
		if t.Failed() {
			t.Logf("nats-server:\n%s", n.process.Output.String())
		}
	})
	return n
}

func (n *NATS) writeConfig(config string) {
	n.t.Helper()
	if err := os.WriteFile(n.config, []byte("listen: "+n.address+"\n"+config), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// Start starts the server. After Kill it starts it again.
func (n *NATS) Start() {
	n.t.Helper()
	path, err := exec.LookPath("nats-server")
	if err != nil {
		path = "/usr/sbin/nats-server" // where Debian has it, which may not be in PATH
	}
	if _, err := os.Stat(path); err != nil {
		path = RequireProgram(n.t, "nats-server", "nats-server")
	}
	if n.process, err = testrun.Start(exec.Command(path, "-c", n.config)); err != nil {
		n.t.Fatalf("nats-server: %v", err)
	}
	testrun.WaitFor(n.t, "nats-server", func() bool {
		if n.process.HasExited() {
			n.t.Fatalf("nats-server ended:\n%s", n.process.Output.String())
		}
		c, err := net.DialTimeout("tcp", n.address, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// Kill ends the server without closing its connections properly.
func (n *NATS) Kill() { n.process.Kill() }

// Suspend stops the server's process. Its connections stay open, but it does not answer. To continue, call Kill and Start.
func (n *NATS) Suspend() { _ = n.process.Cmd.Process.Signal(syscall.SIGSTOP) }

// Reload makes the running server use another configuration.
func (n *NATS) Reload(config string) {
	n.t.Helper()
	n.writeConfig(config)
	if err := n.process.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
}

// PID returns the ID of the server's process.
func (n *NATS) PID() int { return n.process.Cmd.Process.Pid }
