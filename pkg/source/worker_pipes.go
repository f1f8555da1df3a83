package source

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is the size of the pipe for messages. A whole picture of usual size fits into it. With the default of 64 KiB, pictures would
// pass in pieces, and each piece costs a switch between the two processes.
const pipeSize = 1 << 20

// workerPipes are the pipes of a worker.
type workerPipes struct {
	commands, messages           *os.File // camd's ends
	childCommands, childMessages *os.File // the ends of what reads the camera
}

func newWorkerPipes() (p workerPipes, err error) {
	if p.childCommands, p.commands, err = os.Pipe(); err != nil {
		return workerPipes{}, fmt.Errorf("pipe: %w", err)
	}
	if p.messages, p.childMessages, err = os.Pipe(); err != nil {
		_, _ = p.childCommands.Close(), p.commands.Close()
		return workerPipes{}, fmt.Errorf("pipe: %w", err)
	}
	enlargePipe(p.messages)
	return p, nil
}

func (p workerPipes) closeParent() { _, _ = p.commands.Close(), p.messages.Close() }
func (p workerPipes) closeChild()  { _, _ = p.childCommands.Close(), p.childMessages.Close() }

// enlargePipe gives a pipe room for pipeSize bytes. The kernel refuses that to users with many large pipes
// (pipe-user-pages-soft). Pictures then pass in pieces.
func enlargePipe(pipe *os.File) {
	if conn, err := pipe.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}
