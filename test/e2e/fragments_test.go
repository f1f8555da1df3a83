package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fragmentReader reads the boxes of a stream.mp4 (ISO/IEC 14496-12, section 4.2).
type fragmentReader struct {
	from *bufio.Reader
	file bytes.Buffer // everything so far, up to the end of the last complete fragment
}

// maxBox bounds a box.
const maxBox = 16 << 20

// next reads up to the end of the next mdat and returns when its last byte arrived.
func (f *fragmentReader) next() (arrived time.Time, err error) {
	for {
		header, err := f.from.Peek(8)
		if err != nil {
			return time.Time{}, err
		}
		size, kind := binary.BigEndian.Uint32(header), string(header[4:8])
		if size < 8 || size > maxBox {
			return time.Time{}, fmt.Errorf("a box %q of %d bytes", kind, size)
		}
		if _, err := io.CopyN(&f.file, f.from, int64(size)); err != nil {
			return time.Time{}, err
		}
		if kind == "mdat" {
			return time.Now(), nil
		}
	}
}

// dialVideo requests a stream on a connection of its own. A receive buffer of 0 bytes is the kernel's default.
func dialVideo(t testing.TB, url string, receiveBuffer int, through func(io.Reader) io.Reader) *fragmentReader {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if receiveBuffer == 0 {
			return nil
		}
		controlErr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) })
		if controlErr != nil {
			return controlErr
		}
		return err
	}}
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	conn, err := dialer.DialContext(ctx, "tcp", r.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(through(conn), 4096), r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "video/mp4") {
		t.Fatalf("%s: %s, %s", url, answer.Status, kind)
	}
	return &fragmentReader{from: bufio.NewReaderSize(answer.Body, 4096)}
}

func unpaced(r io.Reader) io.Reader { return r }

// pacedReader reads at most rate bytes per second, by the clock.
type pacedReader struct {
	from  io.Reader
	rate  float64
	begin time.Time
	read  float64
}

func (p *pacedReader) Read(b []byte) (int, error) {
	if p.begin.IsZero() {
		p.begin = time.Now()
	}
	due := p.begin.Add(time.Duration(p.read / p.rate * float64(time.Second)))
	if wait := time.Until(due); wait > 0 {
		<-time.After(wait)
	} else if wait < -20*time.Millisecond { // an idle link saves little up
		p.begin = p.begin.Add(-wait - 20*time.Millisecond)
	}
	n, err := p.from.Read(b[:min(len(b), 4096)])
	p.read += float64(n)
	return n, err
}
