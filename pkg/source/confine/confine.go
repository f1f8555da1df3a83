// Package confine takes from a capture process what reading one source does not need, before it reads a byte of it:
// OpenCV and FFmpeg parse whatever a camera sends, and a mistake of theirs should be of little use to it.
//
// What remains: for every source the system's libraries and certificates, read-only; for a device that device, for a
// file that file (for a playlist its folder), and neither of them TCP; for a network source the network. UDP Landlock cannot
// forbid. Nothing can be written or created,
// no process outside can be signalled or traced (Landlock, landlock(7)), no right gained (PR_SET_NO_NEW_PRIVS), no core
// dumped, and memory and descriptors are limited (setrlimit(2)). Where memory runs out, the kernel ends a capture process before
// the daemon. An older kernel gives as much of it as it has.
package confine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// maxDescriptors is what libraries, sockets and devices of one source take, many times over.
const maxDescriptors = 256

// unusedMappings is what a process maps and never touches: stacks, and Go's heap ahead of its use.
const unusedMappings = 4 << 30

// Executing is in neither: a library is mapped, not executed.
const (
	accessReadFile = landlock.AccessFSSet(ll.AccessFSReadFile)
	accessRead     = accessReadFile | landlock.AccessFSSet(ll.AccessFSReadDir)
)

// playlistExtensions are the names of files that name others.
var playlistExtensions = []string{".m3u8", ".m3u", ".mpd", ".ffconcat"}

// systemRules is what libraries read, and /dev/null.
var systemRules = []landlock.Rule{
	landlock.PathAccess(accessRead, "/usr", "/lib", "/lib64", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/gnutls", "/etc/crypto-policies",
		"/etc/ld.so.conf.d", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/proc/self", "/proc/sys/net").IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile, "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
		"/etc/localtime", "/etc/ld.so.cache", "/proc/meminfo", "/proc/cpuinfo", "/dev/urandom").IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile|landlock.AccessFSSet(ll.AccessFSWriteFile), "/dev/null").IgnoreIfMissing(),
}

// oomScoreAdjust is added to what the kernel counts when it looks for a process to end for want of memory: half of what there is. camd's Go
// memory limit is half of it too, so a capture process goes before the daemon.
const oomScoreAdjust = 500

// ThisProcess confines this process, for good, to what the source of start takes. It cannot be undone, and holds for all threads.
func ThisProcess(start wire.Start) error {
	scoreErr := raiseOOMScore() // while /proc can be written
	return errors.Join(scoreErr, restrictToSource(start))
}

// raiseOOMScore makes the kernel prefer this process when memory runs out. A process may raise its own score, and only root may lower it.
func raiseOOMScore() error {
	const path = "/proc/self/oom_score_adj"
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("raise OOM score: %w", err)
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && now >= oomScoreAdjust {
		return nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(oomScoreAdjust)), 0); err != nil {
		return fmt.Errorf("raise OOM score: %w", err)
	}
	return nil
}

func restrictToSource(start wire.Start) error {
	if err := limitResources(start.WorkerMemory); err != nil {
		return fmt.Errorf("limit resources: %w", err)
	}
	source, err := sourceurl.Parse(start.Source)
	if err != nil {
		return nil // whoever opens it says so better
	}
	if err := applyLandlock(source, start); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}

func limitResources(memory int64) error {
	set := func(resource int, value uint64) error {
		return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value})
	}
	errs := []error{
		set(unix.RLIMIT_CORE, 0), // it would hold the camera's password
		set(unix.RLIMIT_NOFILE, maxDescriptors),
	}
	if memory > 0 {
		// camd watches what is resident, once a second; this is for what is faster than that.
		errs = append(errs, set(unix.RLIMIT_DATA, uint64(memory)+unusedMappings))
	}
	return errors.Join(errs...)
}

// caRules are the files with the certificates that this camera's is verified with.
func caRules(start wire.Start) []landlock.Rule {
	var rules []landlock.Rule
	for _, path := range []string{start.TLS.CAFile, os.Getenv("SSL_CERT_FILE")} {
		if path != "" {
			rules = append(rules, landlock.PathAccess(accessReadFile, path).IgnoreIfMissing())
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("SSL_CERT_DIR")) {
		if dir != "" {
			rules = append(rules, landlock.PathAccess(accessRead, dir).IgnoreIfMissing())
		}
	}
	return rules
}

func applyLandlock(source sourceurl.Source, start wire.Start) error {
	rules := append(slices.Clone(systemRules), caRules(start)...)
	switch source.Kind {
	case sourceurl.Device:
		rules = append(rules, landlock.RWFiles(source.Path).WithIoctlDev().IgnoreIfMissing())
	case sourceurl.File:
		access := accessReadFile
		if info, err := os.Stat(source.Path); err == nil && info.IsDir() {
			access = accessRead // opening it fails by being a folder then, which is easier to mend than a right that is missing
		}
		path := source.Path
		if slices.Contains(playlistExtensions, strings.ToLower(filepath.Ext(path))) {
			access, path = accessRead, filepath.Dir(path) // its parts are beside it
		}
		rules = append(rules, landlock.PathAccess(access, path).IgnoreIfMissing())
	}
	kernel := landlock.V6.BestEffort()
	if source.IsNetwork() {
		// Landlock allows ports, not hosts, and a server may send its client to any.
		return errors.Join(kernel.RestrictPaths(rules...), kernel.RestrictScoped())
	}
	return kernel.Restrict(rules...)
}
