package testpeer

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testrun"
)

// MQTT is a mosquitto broker. Tests use it through the command-line tools of mosquitto.
type MQTT struct {
	Address        string // 127.0.0.1:port
	User, Password string // the only login that it accepts
	CA             string // PEM, for TLS; empty without
	t              testing.TB
	config         string
	process        *testrun.Process
}

// ServeMQTT starts a broker that keeps nothing across restarts. extra is added to its configuration. With a certificate the broker uses
// TLS.
func ServeMQTT(t testing.TB, user, password, extra string, certificates ...KeyPair) *MQTT {
	t.Helper()
	RequireProgram(t, "mosquitto_sub", "mosquitto-clients")
	passwords := filepath.Join(t.TempDir(), "passwords")
	if out, err := exec.Command(RequireProgram(t, "mosquitto_passwd", "mosquitto"), "-b", "-c", passwords, user, password).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	port := FreePort(t)
	config := filepath.Join(filepath.Dir(passwords), "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\nuser root\n%s", port, passwords, extra)
	ca := ""
	for _, c := range certificates {
		text += fmt.Sprintf("certfile %s\nkeyfile %s\n", c.File, c.Key)
		ca = c.File
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &MQTT{CA: ca, Address: fmt.Sprintf("127.0.0.1:%d", port), User: user, Password: password, t: t, config: config}
	m.Start()
	t.Cleanup(func() {
		m.process.Kill()
		if t.Failed() {
			t.Logf("mosquitto:\n%s", m.process.Output.String())
		}
	})
	return m
}

// Start starts the broker. After Kill it starts it again.
func (m *MQTT) Start() {
	m.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	if m.process, err = testrun.Start(exec.Command(path, "-c", m.config)); err != nil {
		m.t.Fatalf("mosquitto: %v", err)
	}
	testrun.WaitFor(m.t, "mosquitto", func() bool {
		if m.process.HasExited() {
			m.t.Fatalf("mosquitto ended:\n%s", m.process.Output.String())
		}
		return m.command("mosquitto_pub", "-t", "peer/ready", "-m", "yes").Run() == nil
	})
}

// Kill ends the broker without closing its connections properly.
func (m *MQTT) Kill() { m.process.Kill() }

// Suspend stops the broker's process. Its connections stay open, but it does not answer. To continue, call Kill and Start.
func (m *MQTT) Suspend() { _ = m.process.Cmd.Process.Signal(syscall.SIGSTOP) }

// Retained returns the retained messages of the broker, by topic.
func (m *MQTT) Retained() map[string][]byte {
	m.t.Helper()
	out, err := m.command("mosquitto_sub", "-t", "#", "--retained-only", "-W", "1", "-F", "%t %x").Output()
	if err != nil && len(out) == 0 && !m.process.HasExited() {
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 27 { // 27: the time of -W is over
			m.t.Fatalf("mosquitto_sub: %v", err)
		}
	}
	held := map[string][]byte{}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		topic, digits, _ := strings.Cut(lines.Text(), " ")
		payload, err := hex.DecodeString(digits)
		if err != nil {
			m.t.Fatalf("mosquitto_sub: %s: %v", topic, err)
		}
		held[topic] = payload
	}
	return held
}

// Publish publishes a message as another client. With retained, the broker keeps it.
func (m *MQTT) Publish(topic, payload string, retained bool) {
	m.t.Helper()
	args := []string{"-q", "1", "-t", topic, "-m", payload}
	if retained {
		args = append(args, "-r")
	}
	if out, err := m.command("mosquitto_pub", args...).CombinedOutput(); err != nil {
		m.t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

func (m *MQTT) command(name string, args ...string) *exec.Cmd {
	host, port, _ := strings.Cut(m.Address, ":")
	how := []string{"-h", host, "-p", port, "-u", m.User, "-P", m.Password}
	if m.CA != "" {
		how = append(how, "--cafile", m.CA)
	}
	return exec.Command(name, append(how, args...)...)
}
