package daemon

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"camd/internal/configfile"
	"camd/internal/logging"
	"camd/internal/testrun"
)

// A hangup of the terminal stops the daemon, although it also watches its configuration file.
func TestTerminalHangupStopsDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "camd.yaml")
	text := "listen: 127.0.0.1:0\nwatch_config: true\nbus: {servers: ['nats://127.0.0.1:1']}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file := configfile.Options{Path: path}
	loaded, err := file.Read()
	if err != nil {
		t.Fatal(err)
	}
	loggers, err := logging.New(logging.Options{Level: "error", Format: "console", Audit: "off"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- Run(t.Context(), Options{
			Config: loaded, ReadConfig: file.Read, Reload: signals, Loggers: loggers, TerminalGone: func() bool { return true },
			Ready: func(net.Addr) { signals <- os.Interrupt },
		})
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(testrun.Deadline):
		t.Fatal("the daemon is still running")
	}
}
