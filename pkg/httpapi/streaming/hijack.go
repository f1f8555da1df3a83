package streaming

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/internal/writetimeout"
	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// hijack takes the connection from the HTTP server, answers the request on it, and gives it to the fan-out.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, conn fanout.Conn, resp Response) {
	header, v, viewer := w.Header(), resp.Stream, resp.Viewer
	if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
		s.opts.Log.Warn("hijack failed", zap.Error(err))
		s.opts.Viewers.Remove(viewer, "")
		request.Fail(w, r, http.StatusInternalServerError, "this connection cannot carry a stream")
		return
	}
	v.Conn = conn
	v.OnClose = func(err error) { s.opts.Viewers.Remove(viewer, fanoutCutReason(err)) }
	_ = conn.SetWriteDeadline(time.Now().Add(v.WriteTimeout)) // the client may not have read earlier responses
	n, err := conn.Write(responseHead(r, header, resp.Preamble))
	_ = conn.SetWriteDeadline(time.Time{})
	viewer.Bytes.Add(uint64(n))
	if err != nil {
		_ = conn.Close()
		v.OnClose(err)
		return
	}
	s.fanout.Add(v)
}

// responseHead returns the head of the response and the beginning of the stream.
func responseHead(r *http.Request, header http.Header, preamble string) []byte {
	var b bytes.Buffer
	header.Del("Transfer-Encoding") // it was an instruction for net/http
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "HTTP/1.%d 200 OK\r\n", r.ProtoMinor)
	_ = header.Write(&b) // a Buffer takes everything
	b.WriteString("\r\n" + preamble)
	return b.Bytes()
}

// shutdownConn returns a function that shuts a connection down in both directions. Its owner notices at the next write.
func shutdownConn(c net.Conn) func() {
	return func() {
		s, ok := c.(syscall.Conn)
		if !ok {
			return
		}
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // an error means that the viewer has left
		}
	}
}

// fanoutCutReason returns why camd disconnected a viewer. It is empty if the viewer left by itself.
func fanoutCutReason(err error) string {
	switch {
	case err == nil:
		return viewers.CutShutdown
	case errors.Is(err, broker.ErrEnded):
		return viewers.CutRemoved
	case writetimeout.IsExceeded(err):
		return viewers.CutStalled
	}
	return ""
}
