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

	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/mjpeg"
)

// connKey finds a request's connection in its context.
type connKey struct{}

func keepConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection that a request came over, nil if the server was called otherwise than by Serve.
func (s *Server) connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}

// probes find a viewer that is gone without a word, within 25 s. While a frame is on its way to it the write timeout does.
var probes = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// tune bounds what the kernel holds for a viewer without having sent it, and has it look whether the viewer is still
// there. A send buffer grows to megabytes, and a slow viewer would look at pictures seconds old although camd gives it
// only new ones (tcp(7), TCP_NOTSENT_LOWAT).
func (r *roster) tune(c net.Conn) {
	c = transport(c)
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(probes) // the defaults are less eager, and still there
	}
	if t, ok := c.(syscall.Conn); ok && r.Unsent > 0 {
		if raw, err := t.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { // not TCP: nothing to bound
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, r.Unsent)
			})
		}
	}
}

// handOver takes the connection from the HTTP server, answers the request on it, and gives it to the fan-out.
func (s *Server) handOver(w http.ResponseWriter, r *http.Request, conn fanout.Conn, v *fanout.Viewer, me *viewer) {
	header := w.Header()
	if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
		s.log.Warn("hijack", zap.Error(err))
		s.farewell(me, "")
		fail(w, r, http.StatusInternalServerError, "this connection cannot carry a stream")
		return
	}
	v.Conn = conn
	v.Left = func(err error) { s.farewell(me, whyCut(err)) }
	_ = conn.SetWriteDeadline(time.Now().Add(v.WriteTimeout)) // what was asked before on it may lie unread
	n, err := conn.Write(answer(r, header))
	_ = conn.SetWriteDeadline(time.Time{})
	me.Bytes.Add(uint64(n))
	if err != nil {
		_ = conn.Close()
		v.Left(err)
		return
	}
	s.fan.Add(v)
}

// answer is the head of the response and the beginning of the stream.
func answer(r *http.Request, header http.Header) []byte {
	var b bytes.Buffer
	header.Del("Transfer-Encoding") // what net/http takes as a wish
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "HTTP/1.%d 200 OK\r\n", r.ProtoMinor)
	_ = header.Write(&b) // a Buffer takes everything
	b.WriteString("\r\n" + mjpeg.Preamble)
	return b.Bytes()
}

// whyCut tells the viewers whom camd sent away from those who left.
func whyCut(err error) string {
	switch {
	case err == nil:
		return cutShutdown
	case errors.Is(err, broker.ErrEnded):
		return cutRemoved
	case fanout.Stalled(err):
		return cutStalled
	}
	return ""
}

// newJudge decides which frames a viewer gets, by its rate and its share of bytes; 0 is no limit. Without either there is
// nothing to decide, and it is nil.
func newJudge(fps float64, bytesPerSecond int64) func(*broker.Frame) fanout.Verdict {
	if fps == 0 && bytesPerSecond == 0 {
		return nil
	}
	pace, share := newPacer(fps), &budget{rate: float64(bytesPerSecond)}
	return func(f *broker.Frame) fanout.Verdict {
		switch {
		case f.Placeholder: // news that do not wait
		case !pace.due(f.Captured):
			return fanout.SkipRate
		case !share.affords(len(f.Part), f.Captured):
			return fanout.SkipOver
		}
		return fanout.Show
	}
}
