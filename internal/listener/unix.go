package listener

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// unixListener is a listener on a unix socket that this process created. Close removes the socket's file, unless another file has replaced
// it.
type unixListener struct {
	*net.UnixListener
	path    string
	created os.FileInfo // of the socket's file
}

// listenUnix listens at a path. mode is the mode of the socket's file. It replaces a socket of this user on which no process listens.
func listenUnix(path string, mode os.FileMode) (net.Listener, error) {
	l, err := bindUnix(path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStaleSocket(path); err != nil {
			return nil, err
		}
		l, err = bindUnix(path)
	}
	if err != nil {
		return nil, socketError(path, err)
	}
	l.SetUnlinkOnClose(false) // it would delete any file at that path
	file, err := os.Lstat(path)
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen on unix:%w", err)
	}
	return &unixListener{l, path, file}, nil
}

// bindUnix creates a socket that no process may connect to yet.
func bindUnix(path string) (*net.UnixListener, error) {
	// The mask belongs to the whole process. That is safe, because the process creates no other file at this time.
	defer syscall.Umask(syscall.Umask(0o777))
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// removeStaleSocket deletes the socket of a process that has ended.
func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist): // it was removed meanwhile
		return nil
	case err != nil:
		return socketError(path, err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("listen on unix:%s: a file that is not a socket has this path; choose another path, or delete the file", path)
	case info.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()):
		return fmt.Errorf("listen on unix:%s: a socket of another user has this path; choose another path", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("listen on unix:%s: another program listens on this path; `ss -lxp` shows which. Stop it, or choose another path", path)
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(info, now) {
		return nil // another process was faster
	}
	return os.Remove(path)
}

// Close ends listening.
func (u *unixListener) Close() error {
	if now, err := os.Lstat(u.path); err == nil && os.SameFile(u.created, now) {
		_ = os.Remove(u.path)
	}
	return u.UnixListener.Close()
}

func socketError(path string, err error) error {
	switch {
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on unix:%s: no permission; use a folder that camd may write to, such as the one of RuntimeDirectory= in its unit", path)
	case errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("listen on unix:%s: its folder does not exist; create it, or let the unit create it (RuntimeDirectory=)", path)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on unix:%s: another program has just begun to listen on this path", path)
	}
	return fmt.Errorf("listen on unix:%s: %w", path, err)
}
