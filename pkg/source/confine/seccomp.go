package confine

import (
	"runtime"
	"unsafe"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// deniedCalls are the system calls with which a process starts programs, reads other processes' memory, or reaches parts of the kernel that
// a reader of network cameras does not need. They fail with EPERM.
var deniedCalls = []uint32{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD,
	unix.SYS_KCMP, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER,
	unix.SYS_IO_URING_REGISTER, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE,
	unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_MOUNT_SETATTR, unix.SYS_SETNS, unix.SYS_UNSHARE,
	unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEYCTL, unix.SYS_ADD_KEY,
	unix.SYS_REQUEST_KEY, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_PERSONALITY, unix.SYS_QUOTACTL, unix.SYS_ACCT,
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_CLOCK_SETTIME,
	unix.SYS_SETTIMEOFDAY, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
}

// architectures are the values of seccomp_data.arch, by GOARCH. On others there is no filter. All of them are little endian, and the first
// argument of clone(2) is the flags.
var architectures = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64,
	"arm64": unix.AUDIT_ARCH_AARCH64,
	"arm":   unix.AUDIT_ARCH_ARM,
}

// Offsets in struct seccomp_data, seccomp(2).
const (
	offsetCall     = 0
	offsetArch     = 4
	offsetFirstArg = 16 // its lower half
)

// x32Bit is set in the numbers of the x32 calls of amd64, which would evade the list.
const x32Bit = 0x40000000

// denySystemCalls installs a seccomp filter in all threads (seccomp(2)). It uses prctl(2), because the filter of the systemd unit does not
// allow seccomp(2). no_new_privs must be set.
func denySystemCalls() error {
	arch, ok := architectures[runtime.GOARCH]
	if !ok {
		return nil
	}
	filter := systemCallFilter(arch)
	program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	var pinner runtime.Pinner
	pinner.Pin(program)
	pinner.Pin(&filter[0])
	defer pinner.Unpin()
	return ll.AllThreadsPrctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(program)), 0, 0)
}

// systemCallFilter returns the filter in classic BPF.
func systemCallFilter(arch uint32) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	compare := func(how uint16, with uint32, ifTrue, ifFalse uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | how | unix.BPF_K, K: with, Jt: ifTrue, Jf: ifFalse}
	}
	result := func(action uint32, errno unix.Errno) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action | uint32(errno)}
	}
	deny := result(unix.SECCOMP_RET_ERRNO, unix.EPERM)
	filter := []unix.SockFilter{
		load(offsetArch), compare(unix.BPF_JEQ, arch, 1, 0), deny,
		load(offsetCall), compare(unix.BPF_JGE, x32Bit, 0, 1), deny,
	}
	for _, call := range deniedCalls {
		filter = append(filter, compare(unix.BPF_JEQ, call, 0, 1), deny)
	}
	return append(filter,
		// The flags of clone3(2) are in memory, which a filter cannot read. Programs use clone(2) when it is missing.
		compare(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), result(unix.SECCOMP_RET_ERRNO, unix.ENOSYS),
		compare(unix.BPF_JEQ, unix.SYS_CLONE, 0, 3), load(offsetFirstArg), compare(unix.BPF_JSET, unix.CLONE_THREAD, 1, 0), deny,
		result(unix.SECCOMP_RET_ALLOW, 0),
	)
}
