package confine_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"camd/pkg/source/confine"
	"camd/pkg/source/options"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

// attempts are the actions that a confined process tries, with their results.
var attempts = map[string]func(p testPlan) error{
	"open the source": func(p testPlan) error { return canOpen(p.Start.Source) },
	"control the source": func(p testPlan) error { // only a device has ioctls
		f, err := os.OpenFile(p.Start.Source, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPTN)
		return err
	},
	"read ca_file":       func(p testPlan) error { return canOpen(p.Start.TLS.CAFile) },
	"read SSL_CERT_FILE": func(testPlan) error { return canOpen(os.Getenv("SSL_CERT_FILE")) },
	"read SSL_CERT_DIR": func(testPlan) error {
		_, err := os.ReadDir(strings.TrimPrefix(os.Getenv("SSL_CERT_DIR"), "/none:"))
		return err
	},
	"read the system's roots": func(testPlan) error {
		_, err := x509.SystemCertPool()
		return err
	},
	"read another":   func(p testPlan) error { _, err := os.ReadFile(p.OtherFile); return err },
	"read a library": func(testPlan) error { _, err := os.ReadDir("/usr/lib"); return err },
	"write":          func(p testPlan) error { return os.WriteFile(p.OtherFile+".new", nil, 0o600) },
	"execute":        func(testPlan) error { return exec.Command("/usr/bin/true").Run() },
	"connect": func(p testPlan) error {
		c, err := net.Dial("tcp", p.Server)
		if err == nil {
			err = c.Close()
		}
		return err
	},
	"resolve a name": func(testPlan) error { return canOpen("/etc/hosts") },
	"create a process": func(testPlan) error {
		pid, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
		if errno != 0 {
			return errno
		}
		if pid == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		_, err := syscall.Wait4(int(pid), nil, 0, nil)
		return err
	},
	"trace a process": func(testPlan) error {
		err := unix.PtraceSeize(os.Getppid())
		if errors.Is(err, unix.EPERM) {
			return err
		}
		return nil
	},
	"signal its parent":    func(testPlan) error { return syscall.Kill(os.Getppid(), 0) },
	"read parent's memory": func(testPlan) error { return canOpen(fmt.Sprintf("/proc/%d/environ", os.Getppid())) },
	"gain rights": func(testPlan) error {
		on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		if err == nil && on == 1 {
			err = unix.EPERM
		}
		return err
	},
	"dump core": func(testPlan) error {
		var l unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_CORE, &l)
		if err == nil && l.Max == 0 {
			err = unix.EPERM
		}
		return err
	},
}

func canOpen(path string) error {
	f, err := os.Open(path)
	if err == nil {
		err = f.Close()
	}
	return err
}

// testPlan is the input of the confined process.
type testPlan struct {
	Start             wire.Start
	OtherFile, Server string
	Readers           bool // confine it as the readers process, without a source
}

// TestMain also runs the confined process, because a sandbox cannot be undone.
func TestMain(m *testing.M) {
	encoded := os.Getenv("CONFINE_TEST")
	if encoded == "" {
		os.Exit(m.Run())
	}
	var p testPlan
	if err := errors.Join(json.Unmarshal([]byte(encoded), &p), confineTest(&p)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	outcome := map[string]bool{}
	for what, try := range attempts {
		result := make(chan error)
		go func() { result <- try(p) }() // perhaps on another thread
		outcome[what] = <-result == nil
	}
	_ = json.NewEncoder(os.Stdout).Encode(outcome)
}

// confineTest confines this process. p is read before that.
func confineTest(p *testPlan) error {
	if p.Readers {
		return confine.ReadersProcess()
	}
	return confine.ThisProcess(p.Start)
}

func TestReadersProcessAllowsOnlyNetwork(t *testing.T) {
	if abi, err := ll.LandlockGetABIVersion(); err != nil || abi < 6 {
		t.Skipf("this kernel's Landlock is version %d (%v), the test needs 6: Linux 6.12, with landlock in lsm=", abi, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", ca) // read before the process is confined
	t.Setenv("SSL_CERT_DIR", "/none:"+filepath.Dir(ca))
	start := wire.Start{Source: "/dev/ptmx", Capture: options.Capture{TLS: tlsverify.Options{CAFile: ca}}}
	got := runConfined(t, testPlan{start, ca, l.Addr().String(), true})
	for what := range attempts {
		if want := what == "connect" || what == "resolve a name"; got[what] != want {
			t.Errorf("%s: possible %v, want %v", what, got[what], want)
		}
	}
}

func TestProcessAllowsOnlyItsSource(t *testing.T) {
	if abi, err := ll.LandlockGetABIVersion(); err != nil || abi < 6 {
		t.Skipf("this kernel's Landlock is version %d (%v), the test needs 6: Linux 6.12, with landlock in lsm=", abi, err)
	}
	dir := t.TempDir()
	own, other := filepath.Join(dir, "own.avi"), filepath.Join(dir, "other.avi")
	for _, name := range []string{own, other} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca, roots, rootsDir := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "roots.pem"), filepath.Join(dir, "roots")
	for _, name := range []string{ca, roots} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(rootsDir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots)
	t.Setenv("SSL_CERT_DIR", "/none:"+rootsDir)
	authorities := []string{"read ca_file", "read SSL_CERT_FILE", "read SSL_CERT_DIR", "read the system's roots", "resolve a name", "create a process"}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for source, permitted := range map[string][]string{
		own:                                 {"open the source", "read a library"},
		"/dev/ptmx":                         {"open the source", "control the source", "read a library"},
		"test://":                           {"read a library"},
		"rtsp://" + l.Addr().String() + "/": {"read a library", "connect"},
	} {
		t.Run(source, func(t *testing.T) {
			permitted := append(authorities, permitted...)
			got := runConfined(t, testPlan{wire.Start{Source: source, Capture: options.Capture{CaptureMemory: 1 << 30, TLS: tlsverify.Options{CAFile: ca}}}, other, l.Addr().String(), false})
			for what := range attempts {
				want := false
				for _, allowed := range permitted {
					want = want || what == allowed
				}
				if got[what] != want {
					t.Errorf("%s: possible %v, want %v", what, got[what], want)
				}
			}
		})
	}
}

// A process that decodes what camd sends opens nothing, not even certificates. Only the readers process cannot create processes.
func TestDecoderReadsOnlyLibraries(t *testing.T) {
	if abi, err := ll.LandlockGetABIVersion(); err != nil || abi < 6 {
		t.Skipf("this kernel's Landlock is version %d (%v), the test needs 6: Linux 6.12, with landlock in lsm=", abi, err)
	}
	own := filepath.Join(t.TempDir(), "own.avi")
	if err := os.WriteFile(own, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("SSL_CERT_FILE", own)
	t.Setenv("SSL_CERT_DIR", filepath.Dir(own))
	start := wire.Start{Source: own, Decode: true, Capture: options.Capture{CaptureMemory: 1 << 30, TLS: tlsverify.Options{CAFile: own}}}
	got := runConfined(t, testPlan{Start: start, OtherFile: own, Server: l.Addr().String()})
	for what := range attempts {
		if want := what == "read a library" || what == "create a process"; got[what] != want {
			t.Errorf("%s: possible %v, want %v", what, got[what], want)
		}
	}
}

// runConfined runs the attempts in a process of their own.
func runConfined(t *testing.T, p testPlan) map[string]bool {
	t.Helper()
	encoded, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "CONFINE_TEST="+string(encoded))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got map[string]bool
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}
