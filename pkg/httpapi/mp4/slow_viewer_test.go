package mp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
	"camd/pkg/httpapi/request"
)

// slowConn is a connection that is read at a rate.
type slowConn struct {
	net.Conn
	rate  float64 // bytes a second
	begin time.Time
	read  int
}

func (s *slowConn) Read(b []byte) (int, error) {
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	time.Sleep(time.Until(s.begin.Add(time.Duration(float64(s.read) / s.rate * float64(time.Second)))))
	n, err := s.Conn.Read(b[:min(len(b), 4096)])
	s.read += n
	return n, err
}

// A viewer whose connection is slower than the video gets whole frames that it can decode. The log has their ages and their share.
func TestSlowViewerDecodesWhatItGets(t *testing.T) {
	t.Parallel()
	for _, frames := range []string{"bframes=0", "bframes=2:b-adapt=0"} {
		clip := testpeer.Clip{
			Codec: "h264", Size: "1280x720", FPS: 25, Length: 4 * time.Second,
			Encoder: frames + ":keyint=50:min-keyint=50:scenecut=0:qp=16",
		}
		t.Run(frames, func(t *testing.T) { testSlowViewer(t, clip) })
	}
}

func testSlowViewer(t *testing.T, clip testpeer.Clip) {
	t.Parallel()
	p := newPublisher(t, clip)
	size := 0
	for _, f := range p.frames {
		size += len(f.Wire)
	}
	bitRate := float64(size) / p.length.Seconds()
	s := startServer(t, testCamera{"video", p.topic, ""}, request.Limits{SendBuffer: 128 << 10}, plain)
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10) })
	}}
	address, path, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), "/")
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.publish(30)
	p.start(t, 1)
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: yard\r\n\r\n", path)
	slow := &slowConn{Conn: conn, rate: 0.7 * bitRate}
	skipHead(t, slow)
	var stream []byte
	var ages []time.Duration
	next := 0
	for begin := time.Now(); time.Since(begin) < 10*time.Second; {
		fragment := readFrames(t, slow, 1)
		stream = append(stream, fragment...)
		n := binary.BigEndian.Uint32(fragment[bytes.Index(fragment, []byte("mdat"))-4:]) - 8
		data := fragment[len(fragment)-int(n):]
		for !bytes.Equal(p.frame(next).Data, data) {
			next++
		}
		next++
		ages = append(ages, time.Since(p.publishedAt(next)))
	}
	total := next - len(ages)
	if got := testpeer.DecodedPictures(t, save(t, stream)); len(got) != len(ages) {
		t.Errorf("%d pictures of %d", len(got), len(ages))
	}
	if total == 0 {
		t.Error("the viewer missed nothing")
	}
	late := slices.Clone(ages[min(30, len(ages)):])
	slices.Sort(late)
	t.Logf("%.0f bytes a second; %d frames of %d; age p50 %v, p99 %v", bitRate, len(ages), next, late[len(late)/2], late[len(late)*99/100])
}

// skipHead reads the head of a response.
func skipHead(t *testing.T, r io.Reader) {
	t.Helper()
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b := make([]byte, 1)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatal(err)
		}
		head = append(head, b...)
	}
}
