// Package handover passes cameras from camd to the readers process over a Unix socket of type SOCK_SEQPACKET. One message is one camera: a
// JSON header of at most 4 KiB, and two or three descriptors (SCM_RIGHTS, unix(7)) in this order: the end of the pipe for commands that is
// read, the end of the pipe for messages that is written, and the CA file if there is one. Package wire is the protocol on the pipes.
package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const (
	maxHeader      = 4 << 10 // bytes
	maxDescriptors = 3
)

// Camera is a camera that the readers process shall read.
type Camera struct {
	ID       string   // for logs
	Commands *os.File // the readers process reads it
	Messages *os.File // the readers process writes to it
	CA       *os.File // the file of Start.TLS.CAFile, because the readers process cannot open it; nil if there is none
	CAError  string   // why camd could not open that file; "" if it could
}

// header is the part of a Camera that is not a descriptor.
type header struct {
	ID      string `json:"id"`
	CAError string `json:"ca_error,omitempty"`
}

// Close closes the descriptors.
func (c Camera) Close() {
	for _, f := range []*os.File{c.Commands, c.Messages, c.CA} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Send sends a camera. The caller still has to close it. It is safe for concurrent use.
func Send(socket *net.UnixConn, c Camera) error {
	b, err := json.Marshal(header{c.ID, c.CAError})
	if err != nil {
		return err
	}
	if len(b) > maxHeader {
		return fmt.Errorf("header of %d bytes, more than %d", len(b), maxHeader)
	}
	files := []*os.File{c.Commands, c.Messages}
	if c.CA != nil {
		files = append(files, c.CA)
	}
	return withDescriptors(files, nil, func(descriptors []int) error {
		_, _, err := socket.WriteMsgUnix(b, unix.UnixRights(descriptors...), nil)
		return err
	})
}

// withDescriptors calls use with the descriptors of files. Unlike os.File.Fd, it leaves the files as they are.
func withDescriptors(files []*os.File, descriptors []int, use func([]int) error) error {
	if len(files) == 0 {
		return use(descriptors)
	}
	conn, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	var useErr error
	err = conn.Control(func(fd uintptr) {
		useErr = withDescriptors(files[1:], append(descriptors, int(fd)), use)
	})
	return errors.Join(err, useErr)
}

// InvalidError says what is wrong with a message. The next one may be valid.
type InvalidError struct{ Problem string }

func (e *InvalidError) Error() string { return "invalid handover: " + e.Problem }

// Receive waits for a camera. The caller must close it. The error is io.EOF when camd has closed the socket, or an *InvalidError. Receive
// then keeps no descriptor open.
func Receive(socket *net.UnixConn) (Camera, error) {
	b, control := make([]byte, maxHeader), make([]byte, unix.CmsgSpace(4*maxDescriptors))
	n, controlSize, flags, _, err := socket.ReadMsgUnix(b, control)
	switch {
	case err != nil:
		return Camera{}, err
	case n == 0 && controlSize == 0:
		return Camera{}, io.EOF
	}
	descriptors, err := parseDescriptors(control[:controlSize])
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = &InvalidError{"it is cut off"}
	}
	var c Camera
	if err == nil {
		c, err = newCamera(b[:n], descriptors)
	}
	if err != nil {
		for _, fd := range descriptors {
			_ = unix.Close(fd)
		}
	}
	return c, err
}

func parseDescriptors(control []byte) (descriptors []int, err error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, &InvalidError{"its control message cannot be parsed"}
	}
	for i := range messages {
		received, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return descriptors, &InvalidError{"its control message has no descriptors"}
		}
		descriptors = append(descriptors, received...)
	}
	return descriptors, nil
}

// newCamera checks a message. It takes the descriptors only if it returns no error.
func newCamera(b []byte, descriptors []int) (Camera, error) {
	var h header
	if err := json.Unmarshal(b, &h); err != nil || h.ID == "" {
		return Camera{}, &InvalidError{"its header is invalid"}
	}
	if n := len(descriptors); n != 2 && n != maxDescriptors {
		return Camera{}, &InvalidError{fmt.Sprintf("it has %d descriptors", n)}
	}
	for i, fd := range descriptors {
		if err := checkDescriptor(i, fd); err != nil {
			return Camera{}, err
		}
	}
	c := Camera{ID: h.ID, CAError: h.CAError, Commands: os.NewFile(uintptr(descriptors[0]), "commands"), Messages: os.NewFile(uintptr(descriptors[1]), "messages")}
	if len(descriptors) == maxDescriptors {
		c.CA = os.NewFile(uintptr(descriptors[2]), "ca_file")
	}
	return c, nil
}

// checkDescriptor checks the type of a descriptor. Package os sets deadlines only on pipes that do not block.
func checkDescriptor(position, fd int) error {
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return &InvalidError{err.Error()}
	}
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return &InvalidError{err.Error()}
	}
	mode &= unix.O_ACCMODE
	kind := info.Mode & unix.S_IFMT
	isValid := map[int]bool{
		0: kind == unix.S_IFIFO && mode == unix.O_RDONLY,
		1: kind == unix.S_IFIFO && mode == unix.O_WRONLY,
		2: kind == unix.S_IFREG && mode == unix.O_RDONLY,
	}[position]
	if !isValid {
		return &InvalidError{fmt.Sprintf("descriptor %d is of the wrong type", position)}
	}
	if kind == unix.S_IFREG {
		return nil
	}
	return unix.SetNonblock(fd, true)
}
