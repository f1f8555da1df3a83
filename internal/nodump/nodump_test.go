package nodump_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"camd/internal/nodump"
)

const (
	canary = "CAMD_SECRECY_TEST=c4nary"
	nobody = 65534
)

// TestMain is also the process with the secret. It prints a line when it is ready, with the result of Enable.
func TestMain(m *testing.M) {
	switch os.Getenv("CAMD_SECRECY_ROLE") {
	case "":
		os.Exit(m.Run())
	case "kept":
		fmt.Println(nodump.Enable())
	default:
		fmt.Println("<nil>")
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startWithSecret starts a process with a secret in its environment. It returns when the process has printed its line.
func startWithSecret(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	// The program is in a folder that every user can enter, and every user can execute it.
	dir, err := os.MkdirTemp("", "camd-secrecy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.ReadFile(os.Args[0])
	path := filepath.Join(dir, "secretive")
	if err == nil {
		err = os.WriteFile(path, program, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `ulimit -c unlimited; exec "$0"`, path)
	cmd.Dir, cmd.Env = dir, []string{"CAMD_SECRECY_ROLE=" + role, canary, "GOTRACEBACK=crash"}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || said != "<nil>\n" {
		t.Fatalf("%q, %v", said, err)
	}
	return cmd
}

// readEnviron reads the environment of a process from another process of the same user.
func readEnviron(t *testing.T, target *exec.Cmd) (string, error) {
	t.Helper()
	cmd := exec.Command("cat", fmt.Sprintf("/proc/%d/environ", target.Process.Pid))
	cmd.SysProcAttr = target.SysProcAttr
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func TestEnvironmentCannotBeRead(t *testing.T) {
	if said, err := readEnviron(t, startWithSecret(t, "open")); err != nil || !strings.Contains(said, canary) {
		t.Skipf("another process cannot read it even without Enable: %v, %s", err, said)
	}
	kept := startWithSecret(t, "kept")
	if said, err := readEnviron(t, kept); err == nil || strings.Contains(said, "c4nary") {
		t.Errorf("another process can read it: %v, %s", err, said)
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", kept.Process.Pid)); err != nil {
		t.Errorf("its processor time cannot be read any more: %v", err)
	}
}

func TestCoreIsNotDumped(t *testing.T) {
	core := func(role string) bool {
		cmd := startWithSecret(t, role)
		_ = cmd.Process.Signal(syscall.SIGABRT)
		_ = cmd.Wait()
		left, _ := filepath.Glob(filepath.Join(cmd.Dir, "core*"))
		return cmd.ProcessState.Sys().(syscall.WaitStatus).CoreDump() || len(left) > 0
	}
	if !core("open") {
		t.Skip("no core is dumped here even without Enable; see /proc/sys/kernel/core_pattern")
	}
	if core("kept") {
		t.Error("a core was dumped")
	}
}
