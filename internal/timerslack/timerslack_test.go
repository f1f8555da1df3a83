package timerslack_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"camd/internal/timerslack"
)

// TestMain is also the program that is executed anew: it then says what it has become.
func TestMain(m *testing.M) {
	if os.Getenv("TIMERSLACK_TEST") == "" {
		os.Exit(m.Run())
	}
	before := os.Getenv("CAMD_TIMERSLACK_SET") != ""
	if err := timerslack.SetAtLeast(time.Millisecond); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	made := make(chan int)
	go func() { // perhaps on another thread; none may differ
		slack, _ := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		made <- slack
	}()
	comm, _ := os.ReadFile("/proc/self/comm")
	var onDeath int32
	_ = unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&onDeath)), 0, 0, 0)
	fmt.Println(os.Getpid(), <-made, onDeath, before, os.Getenv("CAMD_TIMERSLACK_SET") != "", strings.TrimSpace(string(comm)), os.Args[1:])
}

func startProgram(t *testing.T) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "one", "two words")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGUSR1}
	cmd.Env = append(os.Environ(), "TIMERSLACK_TEST=1")
	return cmd
}

func TestSetAtLeastReexecutesOnce(t *testing.T) {
	cmd := startProgram(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// comm holds 15 bytes.
	want := fmt.Sprintln(cmd.Process.Pid, int64(time.Millisecond), int(syscall.SIGUSR1), true, false, "timerslack.test", "[one two words]")
	if string(out) != want {
		t.Errorf("got %swant %s", out, want)
	}
}

func TestSetAtLeastDoesNotReexecuteTwice(t *testing.T) {
	cmd := startProgram(t)
	cmd.Env = append(cmd.Env, "CAMD_TIMERSLACK_SET=1") // as if the kernel had forgotten
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if fields := strings.Fields(string(out)); len(fields) < 2 || fields[1] == "1000000" {
		t.Errorf("set although it had been before: %s", out)
	}
}
