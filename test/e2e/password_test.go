package e2e

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"camd/internal/testrun"
	"camd/pkg/access"
)

// hash-password prints a line that camd accepts in a users file, from a pipe and from a terminal, without showing the password.
func TestHashPasswordPrintsUsersFileLine(t *testing.T) {
	t.Parallel()
	const password = "correct horse"
	piped := exec.Command(testrun.Program(t, "camd"), "hash-password", "anna", "--role", "control", "--cameras", "yard,front-*")
	piped.Stdin = strings.NewReader(password + "\r\nnot this\n")
	o := runCommand(t, piped)
	checkHash(t, o.stdout, "anna", password)
	if o.code != 0 || o.stderr != "" || !strings.HasSuffix(o.stdout, ":control:yard,front-*\n") {
		t.Errorf("%+v", o)
	}

	typed := runOnTerminal(t, password+"\n", password+"\n")
	checkHash(t, typed.stdout, "guest", password)
	if typed.code != 0 || strings.Contains(typed.stderr+typed.stdout, password) || !strings.Contains(typed.stderr, "Password: ") {
		t.Errorf("%+v", typed)
	}
	if o := runOnTerminal(t, password+"\n", password+"x\n"); o.code != 1 || o.stdout != "" || !strings.Contains(o.stderr, "the two passwords differ") || strings.Contains(o.stderr, password) {
		t.Errorf("%+v", o)
	}
	if o := runOnTerminal(t, "\x03"); o.code != 1 || o.stdout != "" || !strings.Contains(o.stderr, "interrupted") {
		t.Errorf("Ctrl-C: %+v", o)
	}
}

// checkHash checks that a line of a users file accepts only this password for the user.
func checkHash(t *testing.T, line, name, password string) {
	t.Helper()
	all, wrong := access.ParseUsers(line)
	if len(wrong) > 0 || len(all) != 1 || all[0].Name != name || !all[0].Hash.Matches(password) || all[0].Hash.Matches(password+"x") {
		t.Errorf("%q: got %v, %v", line, all, wrong)
	}
}

// runOnTerminal types answers when camd asks for them. The output of the terminal is in stderr.
func runOnTerminal(t *testing.T, answers ...string) commandResult {
	t.Helper()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	read, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testrun.Program(t, "camd"), "hash-password", "guest")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, stdout, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = tty.Close(), stdout.Close()
	shown := make(chan string, 1)
	go func() {
		var all strings.Builder
		b := make([]byte, 1000)
		for {
			n, err := terminal.Read(b)
			all.Write(b[:n])
			if err == nil && len(answers) > 0 && strings.HasSuffix(all.String(), ": ") {
				_, _ = io.WriteString(terminal, answers[0])
				answers = answers[1:]
			}
			if err != nil { // the terminal is closed
				shown <- all.String()
				return
			}
		}
	}()
	out, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	_ = read.Close()
	return commandResult{cmd.ProcessState.ExitCode(), string(out), <-shown}
}
