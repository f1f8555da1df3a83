// Package confine puts a capture process into a sandbox before it opens its source. OpenCV and FFmpeg parse untrusted data from cameras.
// The sandbox limits what an attacker can do with a bug in them.
//
// Landlock (landlock(7)) allows only this:
//
//   - every source: read the system's libraries and certificates;
//   - a device: use that device;
//   - a file: read that file, or the whole folder of a playlist;
//   - a network source: use the network;
//   - frames that camd sends to be decoded: nothing else, and no certificates.
//
// Devices, files and decoders get no TCP. Landlock cannot forbid UDP. A capture process cannot write or create files, and cannot signal or trace
// processes outside the sandbox.
//
// The process also gets no new privileges (PR_SET_NO_NEW_PRIVS), no core dumps, and limits on memory and descriptors (setrlimit(2)). When
// memory runs out, the kernel kills a capture process before the daemon.
//
// The package installs no seccomp filter: that of the systemd unit applies to camd and all its processes. An older kernel
// enforces only the part of the sandbox that it supports. If confining fails, the capture process only logs that, and opens its
// source anyway.
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

// maxDescriptors bounds the open descriptors. It is many times what the libraries, sockets and devices of one source need.
const maxDescriptors = 256

// unusedMappings is the memory that a process maps without using it, in bytes: stacks, and heap that Go reserves.
const unusedMappings = 4 << 30

// Access rights for reading. They do not include executing: libraries are mapped, not executed.
const (
	accessReadFile = landlock.AccessFSSet(ll.AccessFSReadFile)
	accessRead     = accessReadFile | landlock.AccessFSSet(ll.AccessFSReadDir)
)

// playlistExtensions are the extensions of files that refer to other files.
var playlistExtensions = []string{".m3u8", ".m3u", ".mpd", ".ffconcat"}

// libraryRules allow the system's libraries and what they read without a network, and /dev/null.
var libraryRules = []landlock.Rule{
	landlock.PathAccess(accessRead, "/usr", "/lib", "/lib64", "/etc/ld.so.conf.d", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/proc/self").IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile, "/etc/localtime", "/etc/ld.so.cache", "/proc/meminfo", "/proc/cpuinfo", "/dev/urandom").IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile|landlock.AccessFSSet(ll.AccessFSWriteFile), "/dev/null").IgnoreIfMissing(),
}

// systemRules allow what libraries read.
var systemRules = append(slices.Clone(libraryRules),
	landlock.PathAccess(accessRead, "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/gnutls", "/etc/crypto-policies", "/proc/sys/net").IgnoreIfMissing(),
	landlock.PathAccess(accessReadFile, "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services").IgnoreIfMissing())

// oomScoreAdjust is added to the score by which the kernel chooses a process to kill when memory runs out. It counts as much as
// using half of the memory. The Go memory limit of camd is half of the memory, so the kernel kills a capture process before the
// daemon.
const oomScoreAdjust = 500

// ThisProcess confines this process to what the source of start needs. It applies to all threads and cannot be undone. On an
// error, some of the restrictions may be in force.
func ThisProcess(start wire.Start) error {
	scoreErr := raiseOOMScore() // first: the sandbox forbids writing to /proc
	return errors.Join(scoreErr, restrictToSource(start))
}

// raiseOOMScore makes the kernel kill this process first when memory runs out. A process may raise its own score. Only root may lower it.
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
	if err := limitResources(start.CaptureMemory); err != nil {
		return fmt.Errorf("limit resources: %w", err)
	}
	if start.Decode {
		if err := landlock.V6.BestEffort().Restrict(libraryRules...); err != nil {
			return fmt.Errorf("landlock: %w", err)
		}
		return nil
	}
	source, err := sourceurl.Parse(start.Source)
	if err != nil {
		return nil // opening the source reports the error
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
		// camd checks the resident memory once a second. This limit is for a process that allocates faster.
		errs = append(errs, set(unix.RLIMIT_DATA, uint64(memory)+unusedMappings))
	}
	return errors.Join(errs...)
}

// caRules allow reading the CA certificates with which the camera's certificate is verified.
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
			access = accessRead // opening it then fails with "is a directory", which says more than "permission denied"
		}
		path := source.Path
		if slices.Contains(playlistExtensions, strings.ToLower(filepath.Ext(path))) {
			access, path = accessRead, filepath.Dir(path) // a playlist's parts are in its folder
		}
		rules = append(rules, landlock.PathAccess(access, path).IgnoreIfMissing())
	}
	kernel := landlock.V6.BestEffort()
	if source.IsNetwork() {
		// Landlock can only allow ports, not hosts, and a server may redirect to any port.
		return errors.Join(kernel.RestrictPaths(rules...), kernel.RestrictScoped())
	}
	return kernel.Restrict(rules...)
}
