package e2e

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pacedConn is a connection that is read at a rate in bytes per second, which can change. 0 is no limit.
type pacedConn struct {
	net.Conn
	rate  *atomic.Int64
	paced pacedReader
}

func (p *pacedConn) Read(b []byte) (int, error) {
	rate := float64(p.rate.Load())
	if rate == 0 {
		return p.Conn.Read(b)
	}
	if p.paced.rate != rate {
		p.paced = pacedReader{from: p.Conn, rate: rate}
	}
	return p.paced.Read(b)
}

// pacedClient returns a client whose connections have a receive buffer of 64 KiB and are read at a rate.
func pacedClient(rate *atomic.Int64) *http.Client {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		controlErr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10) })
		return errors.Join(controlErr, err)
	}}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &pacedConn{Conn: conn, rate: rate}, nil
	}}}
}

// bytesPerSecond returns the camera's rate.
func (c *videoCamera) bytesPerSecond() float64 {
	return float64(c.bytes()) * clipRate / float64(c.loopLength())
}

var (
	slowMain = numberedClip{Size: image.Pt(640, 352), Frames: 500, Noisy: true, Encoder: "keyint=50:bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000"}
	slowSub  = numberedClip{Size: image.Pt(320, 176), Frames: 500, Noisy: true, Encoder: "keyint=50:bitrate=1000:vbv-maxrate=1000:vbv-bufsize=1000", First: firstOfSubstream}
)

// A client whose connection carries less than the video gets the substream, and JPEGs if it carries even less. When the connection carries
// more it gets the video again. All that it gets decodes.
func TestWallSlowClient(t *testing.T) {
	t.Parallel()
	video, sub := &videoCamera{clip: loadClips(t, slowMain)}, &videoCamera{clip: loadClips(t, slowSub)}
	d := start(t, options{config: longWriteTimeout + fmt.Sprintf("cameras:\n  - {id: a, source: '%s', substream: '%s', stall_timeout: 2m}\n", video.serve(t), sub.serve(t))})
	d.waitForCamera("a", "live with its substream", func(s state) bool { return s.State == "live" && s.sendsVideo("sub") })
	rate := new(atomic.Int64)
	wall := d.dialWall(t, wallOptions{cameras: []string{"a"}, view: "full", decodes: []string{highH264}, client: pacedClient(rate), timeout: 5 * time.Minute})
	recordings := map[string]*wallRecording{"video": {size: slowMain.Size}, "sub": {size: slowSub.Size}}
	ages := map[string][]time.Duration{}
	begin := time.Now()
	until := func(what string, done func(wallEvent) bool) {
		t.Helper()
		wall.until(what, func(e wallEvent) bool {
			if f := e.frame; f != nil && f.isVideo() {
				recordings[f.Track].add(f)
				if !f.isLater {
					ages[f.Track] = append(ages[f.Track], f.arrived.Sub(f.taken))
				}
			}
			if e.stream != nil {
				t.Logf("%.0f s: %s, reason %q", time.Since(begin).Seconds(), e.stream.Track, e.stream.Reason)
			}
			return done(e)
		})
	}
	untilTrack := func(track, reason string) {
		t.Helper()
		until("the track "+track, func(e wallEvent) bool { return e.stream != nil && e.stream.Track == track && e.stream.Reason == reason })
	}
	untilTrack("video", "")
	rate.Store(int64(0.7 * video.bytesPerSecond()))
	untilTrack("sub", "link")
	n := 0
	until("a hundred frames of the substream", func(e wallEvent) bool {
		if e.frame != nil && e.frame.Track == "sub" {
			n++
		}
		return n == 100
	})
	rate.Store(int64(0.7 * sub.bytesPerSecond()))
	untilTrack("main", "link")
	rate.Store(0)
	untilTrack("sub", "link")
	untilTrack("video", "")
	for track, r := range recordings {
		r.numbers(t)
		t.Logf("%s: %d frames, age p50 %.0f ms, p99 %.0f ms", track, len(r.frames), quantile(ages[track], 0.5), quantile(ages[track], 0.99))
	}
}
