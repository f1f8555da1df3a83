package readers

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"

	"camd/pkg/source/handover"
)

// CameraLabel is the key of the goroutine label that holds a camera's ID.
const CameraLabel = "camera"

// maxStack bounds the stack of a goroutine, in bytes. The runtime's own bound of 1 GB would take the memory of all cameras.
const maxStack = 64 << 20

// gcPercent is the runtime's GOGC. With the default of 100, a heap of a few MiB is collected several times a second, which takes a quarter
// of the process's time.
const gcPercent = 200

// Options say where Run gets its cameras. Socket is required.
type Options struct {
	Socket  *net.UnixConn
	Confine func() error // restricts the process before the first camera; nil means no restriction

	// BeforeFrame is for tests. A session calls it with its camera's ID and the source without login, in the goroutine that reads the camera,
	// before each frame. count begins at 1.
	BeforeFrame func(cameraID, source string, count uint64)
}

// Run reads the cameras that come over the socket. It returns when camd has closed the socket and all sessions have ended, or when ctx has
// ended. It closes the socket. If Confine fails, Run prints that to standard error and continues.
func Run(ctx context.Context, o Options) error {
	debug.SetMaxStack(maxStack)
	debug.SetGCPercent(gcPercent)
	runtime.GOMAXPROCS(1)        // enough for a hundred cameras; handing a frame to the writer then wakes no other thread
	_, _ = x509.SystemCertPool() // package x509 keeps it; the files may not be readable later
	if o.Confine != nil {
		if err := o.Confine(); err != nil {
			fmt.Fprintln(os.Stderr, "not confined:", err) // less secure, but the cameras work
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = o.Socket.Close() })
	defer stop()
	defer func() { _ = o.Socket.Close() }()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for {
		camera, err := handover.Receive(o.Socket)
		if invalid, ok := errors.AsType[*handover.InvalidError](err); ok {
			fmt.Fprintln(os.Stderr, invalid)
			continue
		}
		if err != nil {
			return nil //nolint:nilerr // the socket is closed
		}
		sessions.Go(func() {
			pprof.Do(ctx, pprof.Labels(CameraLabel, camera.ID), func(ctx context.Context) { newSession(camera, o.BeforeFrame).run(ctx) })
		})
	}
}
