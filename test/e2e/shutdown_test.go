package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// SIGTERM ends every stream between two pictures and every capture process, with exit code 0.
func TestSIGTERMEndsStreamsBetweenPictures(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera + `
  - {id: second, source: 'test://?size=160x96&fps=30'}
  - {id: broken, source: /dev/camd-has-no-such-device}
`})
	var pids []int
	for _, id := range []string{"healthy", "second"} {
		pids = append(pids, d.waitForState(id, "live").Worker.PID)
	}
	d.waitForState("broken", "offline")
	checkSIGTERM(t, d, 50)
	for _, pid := range pids {
		if isRunning(pid) {
			t.Errorf("capture process %d still runs", pid)
		}
	}
}

// The same with a thousand viewers. The rate is low: camd cuts viewers that do not read for a second, and the test must read all of them.
func TestSIGTERMEndsThousandStreamsBetweenPictures(t *testing.T) {
	d := start(t, options{config: longWriteTimeout + `
limits: {viewers: 1000}
cameras:
  - {id: healthy, source: 'test://?size=320x180&fps=1'}
  - {id: second, source: 'test://?size=160x96&fps=1'}
  - {id: broken, source: /dev/camd-has-no-such-device}
`})
	d.waitForState("healthy", "live")
	d.waitForState("second", "live")
	d.waitForState("broken", "offline")
	checkSIGTERM(t, d, 1000)
}

// checkSIGTERM starts viewers of the cameras healthy, second and broken, and stops camd.
func checkSIGTERM(t *testing.T, d *daemon, viewers int) {
	t.Helper()
	type end struct {
		parts int
		err   error
	}
	ends := make([]end, viewers)
	var all sync.WaitGroup
	for i := range viewers {
		path := "/cameras/" + []string{"healthy", "second", "broken"}[i%3] + "/stream.mjpg"
		answer, err := streamClient.Get(d.URL + path)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("viewer %d: %v, %v", i, answer, err)
		}
		all.Go(func() {
			defer answer.Body.Close()
			ends[i].parts, ends[i].err = readParts(answer.Body)
		})
	}
	d.waitForCamera("healthy", "watched", func(s state) bool { return s.Viewers == (viewers+2)/3 })

	code, took := d.stop()
	all.Wait()
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Logf("stopping with %d viewers took %v", viewers, took)
	for i, end := range ends {
		if end.err != nil || end.parts == 0 {
			t.Errorf("viewer %d: %d pictures, then %v", i, end.parts, end.err)
		}
	}
}

// readParts reads a stream to its end. It returns the number of complete parts, and an error if there was anything else. It does not keep
// the parts: those of a thousand viewers would take 500 MB.
func readParts(stream io.Reader) (n int, err error) {
	in := bufio.NewReader(stream)
	want := func(text string) error {
		got := make([]byte, len(text))
		if k, err := io.ReadFull(in, got); err != nil || string(got) != text {
			return fmt.Errorf("got %q, %v; want %q", got[:k], err, text)
		}
		return nil
	}
	if err := want("--boundarydonotcross\r\n"); err != nil {
		return 0, err
	}
	for ; ; n++ {
		if _, err := in.Peek(1); err == io.EOF {
			return n, nil
		}
		header, err := textproto.NewReader(in).ReadMIMEHeader()
		if err != nil {
			return n, err
		}
		size, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
		if err != nil || header.Get("Content-Type") != "image/jpeg" {
			return n, fmt.Errorf("header %v", header)
		}
		if _, err := io.CopyN(io.Discard, in, size); err != nil {
			return n, fmt.Errorf("a picture cut short: %w", err)
		}
		if err := want("\r\n--boundarydonotcross\r\n"); err != nil {
			return n, err
		}
	}
}

var partHead = regexp.MustCompile(`\AContent-Type: image/jpeg\r\nContent-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n`)

// countParts parses a stream by its lengths. It returns the number of complete parts, and the beginning of anything else.
func countParts(b []byte) (n int, rest string) {
	const open, closing = "--boundarydonotcross\r\n", "\r\n--boundarydonotcross\r\n"
	if !bytes.HasPrefix(b, []byte(open)) {
		return 0, string(b[:min(len(b), 50)])
	}
	for b = b[len(open):]; len(b) > 0; n++ {
		head := partHead.FindSubmatch(b)
		if head == nil {
			return n, string(b[:min(len(b), 50)])
		}
		size, _ := strconv.Atoi(string(head[1]))
		if b = b[len(head[0]):]; len(b) < size+len(closing) || string(b[size:size+len(closing)]) != closing {
			return n, "a part cut short"
		}
		b = b[size+len(closing):]
	}
	return n, ""
}

// A capture process does not outlive a camd that is killed.
func TestCaptureProcessEndsWithKilledDaemon(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera})
	pid := d.waitForState("healthy", "live").Worker.PID
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.exited
	eventually(t, "the capture process to end", func() bool { return !isRunning(pid) })
}

// A stalled viewer delays neither other viewers nor the shutdown.
func TestStalledViewerDelaysNoOther(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera + "  - {id: large, source: 'test://?size=1920x1080&fps=30', quality: 100}\n"})
	d.waitForState("large", "live")
	w := d.startStreamChecker("healthy")
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /cameras/large/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	// behind returns the pictures that were published and not sent. Their number grows once the connection is full.
	behind := func() float64 {
		return d.metric(`camd_camera_frames_published_total{camera="large",rendition="main"}`) -
			d.metric(`camd_viewer_frames_sent_total{camera="large",rendition="main",transport="http1"}`)
	}
	d.waitForCamera("large", "watched", func(s state) bool { return s.Viewers == 1 })
	begin := behind()
	eventually(t, "the connection to be full", func() bool { return behind() > begin+15 })
	w.checkUndisturbed()
	code, took := d.stop()
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Logf("stopping took %v", took)
}
