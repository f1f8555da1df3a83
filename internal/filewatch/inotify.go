package filewatch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fileEvent says that something has happened to a file.
type fileEvent struct {
	path string // empty if it is not known
	kind eventKind
}

type eventKind int

const (
	otherEvent    eventKind = iota
	writeEvent              // the file was written to, and is still open
	completeEvent           // the writer has closed the file, or it was renamed or removed
)

// folderWatch receives the kernel's events of folders. The library fsnotify, which camd uses for devices, does not report IN_CLOSE_WRITE.
// Without that event a slow writer looks the same as one that has finished.
type folderWatch struct {
	file    *os.File
	folders map[int32]string // by the kernel's watch descriptor
}

const watchedEvents = unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_ATTRIB | unix.IN_CREATE | unix.IN_DELETE |
	unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

// newFolderWatch watches folders. A missing folder is no error, because it may be created later.
func newFolderWatch(folders map[string]bool) (*folderWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &folderWatch{file: os.NewFile(uintptr(fd), "inotify"), folders: map[int32]string{}}
	for folder := range folders {
		wd, err := unix.InotifyAddWatch(fd, folder, watchedEvents)
		switch {
		case errors.Is(err, unix.ENOENT):
		case err != nil:
			w.close()
			return nil, &os.PathError{Op: "inotify_add_watch", Path: folder, Err: err}
		default:
			// A link to a folder and the folder have one watch: events are of the folder itself.
			if real, err := filepath.EvalSymlinks(folder); err == nil {
				folder = real
			}
			w.folders[int32(wd)] = folder
		}
	}
	return w, nil
}

// close makes read return.
func (f *folderWatch) close() { _ = f.file.Close() }

// read sends events until ctx ends or the watch is closed.
func (f *folderWatch) read(ctx context.Context, events chan<- fileEvent) {
	buffer := make([]byte, 64*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		n, err := f.file.Read(buffer)
		if err != nil {
			return
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			var e fileEvent
			e, rest = f.parse(rest)
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}
}

// parse splits the first event from the buffer. Its layout is in inotify(7): int wd, uint32_t mask, cookie, len, and len bytes of the name.
func (f *folderWatch) parse(b []byte) (e fileEvent, rest []byte) {
	wd, mask, length := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:]), int(binary.NativeEndian.Uint32(b[12:]))
	name, rest := b[unix.SizeofInotifyEvent:][:length], b[unix.SizeofInotifyEvent+length:]
	name, _, _ = bytes.Cut(name, []byte{0})
	if folder, ok := f.folders[wd]; ok && len(name) > 0 {
		e.path = filepath.Join(folder, string(name))
	}
	switch {
	case mask&(unix.IN_CLOSE_WRITE|unix.IN_MOVED_FROM|unix.IN_MOVED_TO|unix.IN_DELETE) != 0:
		e.kind = completeEvent
	case mask&unix.IN_MODIFY != 0:
		e.kind = writeEvent
	}
	return e, rest
}
