package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// jpegViewer reads JPEGs of one camera all the time. It records pictures that have a number.
type jpegViewer struct {
	name   string
	camera *videoCamera

	mu     sync.Mutex
	err    error
	since  int       // position of the camera
	newest uint32    // the newest number
	live   int       // pictures so far
	first  time.Time // arrival of the first picture after since; zero before
}

// expect forgets pictures from before a position of the camera.
func (v *jpegViewer) expect(position int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.since, v.first = position, time.Time{}
}

// arrival returns when the first picture after the expected position arrived; zero if none has.
func (v *jpegViewer) arrival() (time.Time, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.first, v.err
}

// note records a picture. Those of a substream have the position in their number, too.
func (v *jpegViewer) note(p picture) {
	n, ok := p.frameNumber()
	if !ok {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.newest = n
	v.live++
	if v.first.IsZero() && v.camera.framesBefore(v.since, n) < 0 {
		v.first = p.arrived
	}
}

// viewers are the viewers of a test. They read until it ends.
type viewers struct {
	t       testing.TB
	camera  *videoCamera
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	all     []*jpegViewer
}

// newViewers returns no viewers yet.
func newViewers(t testing.TB, camera *videoCamera) *viewers {
	g := &viewers{t: t, camera: camera}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	t.Cleanup(g.stop)
	return g
}

// stop ends all viewers.
func (g *viewers) stop() {
	g.cancel()
	g.running.Wait()
}

// add starts a viewer. next returns the next picture; one without data is skipped. An error ends the viewer and is a failure, unless the test
// has ended.
func (g *viewers) add(name string, next func() (picture, error)) {
	v := &jpegViewer{name: name, camera: g.camera}
	g.all = append(g.all, v)
	g.running.Go(func() {
		for {
			p, err := next()
			if err != nil {
				v.mu.Lock()
				v.err = err
				v.mu.Unlock()
				return
			}
			v.note(p)
		}
	})
}

// addStream adds a viewer of multipart/x-mixed-replace.
func (g *viewers) addStream(name string, client *http.Client, url string) {
	g.t.Helper()
	v, err := openStreamWith(g.ctx, client, url)
	if err != nil {
		g.t.Fatal(err)
	}
	g.add(name, v.read)
}

// addPoller adds a program that requests snapshots, five a second. An answer of 503 has no picture of the camera.
func (g *viewers) addPoller(name, url string) {
	pace := time.NewTicker(200 * time.Millisecond)
	g.t.Cleanup(pace.Stop)
	g.add(name, func() (picture, error) {
		select {
		case <-pace.C:
		case <-g.ctx.Done():
			return picture{}, g.ctx.Err()
		}
		r, err := http.NewRequestWithContext(g.ctx, http.MethodGet, url, nil)
		if err != nil {
			return picture{}, err
		}
		answer, err := closingClient.Do(r)
		if err != nil {
			return picture{}, err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		switch answer.StatusCode {
		case http.StatusOK:
			return picture{jpeg: body, arrived: time.Now()}, err
		case http.StatusServiceUnavailable:
			return picture{}, err
		default:
			return picture{}, fmt.Errorf("%s: %s", url, answer.Status)
		}
	})
}

// addWall adds a viewer of JPEGs over a WebSocket.
func (g *viewers) addWall(name string, d *daemon, view string) {
	g.t.Helper()
	wall := d.dialWall(g.t, wallOptions{cameras: []string{"a"}, view: view, isPaced: true})
	context.AfterFunc(g.ctx, wall.close)
	g.add(name, func() (picture, error) {
		e, err := wall.next()
		if err != nil || e.frame == nil {
			return picture{}, err
		}
		return picture{jpeg: e.frame.data, arrived: e.frame.arrived}, nil
	})
}

// http2Client returns a client of HTTP/2 over TLS.
func http2Client(t testing.TB) *http.Client {
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// waitForPictures waits until each viewer has a picture that the camera took after a position.
func (g *viewers) waitForPictures(position int) (arrivals []time.Time) {
	g.t.Helper()
	for _, v := range g.all {
		var at time.Time
		eventually(g.t, fmt.Sprintf("a live picture for %s after frame %d", v.name, position), func() bool {
			var err error
			if at, err = v.arrival(); err != nil {
				g.t.Fatalf("%s has ended: %v", v.name, err)
			}
			return !at.IsZero()
		})
		arrivals = append(arrivals, at)
	}
	return arrivals
}

// expectAfter lets all viewers wait for a picture after the camera's present position, which it returns.
func (g *viewers) expectAfter() (position int) {
	position = g.camera.position()
	for _, v := range g.all {
		v.expect(position)
	}
	return position
}
