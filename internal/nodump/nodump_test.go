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

// TestMain is also the process that has a secret: it says when it is ready, and what became of it.
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

// startWithSecret starts a process with a secret in its environment, and returns it when it has said how that went.
func startWithSecret(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	// A program that every user can execute, in a folder of every user.
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

// readEnviron reads a process' environment as another process of its user would.
func readEnviron(t *testing.T, target *exec.Cmd) (string, error) {
	t.Helper()
	cmd := exec.Command("cat", fmt.Sprintf("/proc/%d/environ", target.Process.Pid))
	cmd.SysProcAttr = target.SysProcAttr
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func TestEnvironmentCannotBeRead(t *testing.T) {
	if said, err := readEnviron(t, startWithSecret(t, "open")); err != nil || !strings.Contains(said, canary) {
		t.Skipf("not even without it can it be read: %v, %s", err, said)
	}
	kept := startWithSecret(t, "kept")
	if said, err := readEnviron(t, kept); err == nil || strings.Contains(said, "c4nary") {
		t.Errorf("it is read: %v, %s", err, said)
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", kept.Process.Pid)); err != nil {
		t.Errorf("what it takes of the processor is not to be read any more: %v", err)
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
		t.Skip("not even without it is a core dumped here; see /proc/sys/kernel/core_pattern")
	}
	if core("kept") {
		t.Error("a core was dumped")
	}
}
