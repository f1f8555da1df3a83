package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/fdlimit"
	"camd/pkg/config"
)

// checkOpenFiles checks that the process may open enough files for all connections that the limits allow.
func checkOpenFiles(c *config.Config) Finding {
	maxFiles, err := fdlimit.Limit()
	if err != nil {
		return warn("limits", "", "%v", err)
	}
	connections, _ := c.Limits.ConnectionLimits()
	need := fdlimit.Needed(len(c.Cameras)) + connections
	if maxFiles < need {
		return warn("limits", fmt.Sprintf("set LimitNOFILE=%d in the unit (it has 16384), or run ulimit -n %[1]d in the shell", need),
			"%d files may be open, but the %d connections of limits: need %d", maxFiles, connections, need)
	}
	return ok("limits", "%d files may be open, enough for %d connections", maxFiles, connections)
}

// checkClock checks that the kernel considers its clock synchronized, because pictures carry the time.
func checkClock() Finding {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	switch {
	case err != nil:
		return warn("clock", "", "%v", err)
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return warn("clock", "run sudo apt install systemd-timesyncd, then sudo timedatectl set-ntp true", "not synchronised; the time is %s", time.Now().Format(time.DateTime))
	}
	return ok("clock", "synchronised")
}

// checkLandlock checks for Landlock, with which capture processes confine themselves.
func checkLandlock() Finding {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return warn("kernel", "use Linux 5.13 or later, with landlock in lsm= on its command line", "no Landlock (%v): capture processes are not confined to their camera", errno)
	}
	return ok("kernel", "Landlock %d: capture processes are confined to their camera", abi)
}

// checkNotSentLowat checks for TCP_NOTSENT_LOWAT. It keeps the send buffers short, so slow viewers get new pictures.
func checkNotSentLowat() Finding {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(s)
		err = unix.SetsockoptInt(s, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 64<<10)
	}
	if err != nil {
		return warn("kernel", "use Linux 3.12 or later; gVisor and similar kernels do not have it", "no TCP_NOTSENT_LOWAT (%v): slow viewers see old pictures", err)
	}
	return ok("kernel", "TCP_NOTSENT_LOWAT: slow viewers see new pictures")
}

// checkStateDir checks that camd can write to its state directory.
func checkStateDir(dir string) Finding {
	if dir == "" {
		return ok("state", "no state_dir: cameras that people turn off are on again when camd restarts. The systemd service has a state_dir")
	}
	existing := dir
	for existing != filepath.Dir(existing) {
		if _, err := os.Stat(existing); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		existing = filepath.Dir(existing) // camd creates missing folders
	}
	info, err := os.Stat(existing)
	switch {
	case err != nil:
		return fail("state", "", "state_dir %s: %v", dir, err)
	case !info.IsDir():
		return fail("state", "remove the file, or choose another folder", "state_dir %s: %s is not a folder", dir, existing)
	case unix.Access(existing, unix.W_OK|unix.X_OK) != nil:
		return fail("state", fmt.Sprintf("run sudo chown USER %s, where USER is the user that camd runs as", existing), "state_dir %s: %s cannot write to %s", dir, currentUser(), existing)
	}
	return ok("state", "camd can write to %s", dir)
}
