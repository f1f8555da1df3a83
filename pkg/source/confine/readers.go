package confine

import (
	"errors"
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"camd/internal/nodump"
)

// maxReaderDescriptors bounds the open descriptors of the readers process. A camera needs two pipes and at most four sockets.
const maxReaderDescriptors = 8192

// readersRules allow what Go's resolver reads (package net), and the certificates of the system. Programs that manage the network replace
// the files in these folders. A file that is replaced in /etc is not readable any more: a rule is for the file and not for its name.
var readersRules = []landlock.Rule{
	landlock.PathAccess(accessRead, "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/share/zoneinfo",
		"/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/connman").IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile, append(ResolverFiles, "/etc/services", "/etc/protocols", "/etc/localtime")...).IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile|landlock.AccessFSSet(ll.AccessFSWriteFile), "/dev/null").IgnoreIfMissing(),
}

// ResolverFiles are the files in /etc with which Go's resolver finds hosts.
var ResolverFiles = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"}

// ReadersProcess confines this process to what the readers process needs, before it receives a camera: the network, the files of the
// resolver and the system's certificates. The process cannot start programs, cannot create processes, and makes no core dumps. It applies to
// all threads and cannot be undone. On an error, some of the restrictions may be in force.
func ReadersProcess() error {
	// A process whose memory is protected cannot write its score. There is no secret in it yet.
	undumpErr := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	scoreErr := raiseOOMScore()
	return errors.Join(undumpErr, scoreErr, nodump.Enable(), limitReaderDescriptors(), restrictReaders())
}

// limitReaderDescriptors bounds the descriptors, and does not raise the bound that this process already has.
func limitReaderDescriptors() error {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return fmt.Errorf("limit descriptors: %w", err)
	}
	limit := min(now.Max, maxReaderDescriptors)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("limit descriptors: %w", err)
	}
	return nil
}

func restrictReaders() error {
	kernel := landlock.V6.BestEffort()
	if err := errors.Join(kernel.RestrictPaths(readersRules...), kernel.RestrictScoped()); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	if err := denySystemCalls(); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}
