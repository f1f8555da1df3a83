package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/internal/progresswrite"
	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/media"
)

// connKey finds a request's connection in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection that a request came over, nil if the server was called otherwise than by Serve.
func (s *Server) connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}

// viewerKeepAlive find a viewer that is gone without a word, within 25 s. While a frame is on its way to it the write timeout does.
var viewerKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// setSocketOptions bounds what the kernel holds for a viewer without having sent it, and has it look whether the viewer is still
// there. A send buffer grows to megabytes, and a slow viewer would look at pictures seconds old although camd gives it
// only new ones (tcp(7), TCP_NOTSENT_LOWAT).
func (r *activeConfig) setSocketOptions(c net.Conn) {
	c = underlyingConn(c)
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(viewerKeepAlive) // the defaults are less eager, and still there
	}
	if t, ok := c.(syscall.Conn); ok && r.SendBuffer > 0 {
		if raw, err := t.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { // not TCP: nothing to bound
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, r.SendBuffer)
			})
		}
	}
}

// hijack takes the connection from the HTTP server, answers the request on it, and gives it to the fan-out.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, conn fanout.Conn, v *fanout.Viewer, viewer *viewer) {
	header := w.Header()
	if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
		s.log.Warn("hijack", zap.Error(err))
		s.removeViewer(viewer, "")
		fail(w, r, http.StatusInternalServerError, "this connection cannot carry a stream")
		return
	}
	v.Conn = conn
	v.OnClose = func(err error) { s.removeViewer(viewer, fanoutCutReason(err)) }
	_ = conn.SetWriteDeadline(time.Now().Add(v.WriteTimeout)) // the client may not have read earlier responses
	n, err := conn.Write(responseHead(r, header))
	_ = conn.SetWriteDeadline(time.Time{})
	viewer.Bytes.Add(uint64(n))
	if err != nil {
		_ = conn.Close()
		v.OnClose(err)
		return
	}
	s.fanout.Add(v)
}

// responseHead is the head of the response and the beginning of the stream.
func responseHead(r *http.Request, header http.Header) []byte {
	var b bytes.Buffer
	header.Del("Transfer-Encoding") // meant for net/http
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "HTTP/1.%d 200 OK\r\n", r.ProtoMinor)
	_ = header.Write(&b) // a Buffer takes everything
	b.WriteString("\r\n" + media.Preamble)
	return b.Bytes()
}

// fanoutCutReason returns why camd cut a viewer, empty if it left by itself.
func fanoutCutReason(err error) string {
	switch {
	case err == nil:
		return cutShutdown
	case errors.Is(err, broker.ErrEnded):
		return cutRemoved
	case progresswrite.IsStalled(err):
		return cutStalled
	}
	return ""
}

// newFrameFilter decides which frames a viewer gets, by its rate and its share of bytes; 0 is no limit. Without either there is
// nothing to decide, and it is nil.
func newFrameFilter(fps float64, bytesPerSecond int64) func(*broker.Frame) fanout.Decision {
	if fps == 0 && bytesPerSecond == 0 {
		return nil
	}
	fpsLimit, byteLimit := newFPSLimiter(fps), &byteLimiter{rate: float64(bytesPerSecond)}
	return func(f *broker.Frame) fanout.Decision {
		switch {
		case f.Placeholder: // news that do not wait
		case !fpsLimit.allow(f.Captured):
			return fanout.SkipRate
		case !byteLimit.allow(len(f.Part), f.Captured):
			return fanout.SkipOverLimit
		}
		return fanout.Send
	}
}
