package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// attack is a kind of abuse. run repeats it n times, or until ctx ends, and returns when all its connections are closed.
type attack struct {
	name      string
	needsTLS  bool
	testCount int // enough repetitions to see whether it does harm
	loadCount int // as many repetitions as one machine can do for some seconds
	run       func(ctx context.Context, d *daemon, n int)
}

var attacks = []attack{
	{"connections that send nothing", false, 2500, 10_000, holdConnections("")},
	{"connections that send half a request", false, 2500, 10_000, holdConnections("GET /cameras/a/stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\nX-")},
	{"connections that announce a body", false, 300, 2000, holdConnections("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n")},
	{"headers by the byte", false, 50, 1000, sendHeadersSlowly},
	{"requests that are too large", false, 20, 1 << 30, sendOversizedRequests},
	{"logins with wrong passwords", false, 500, 1_000_000, guessPasswords},
	{"walls that flood", false, 5, 1 << 30, floodWalls},
	{"half handshakes", true, 2500, 10_000, holdConnections("\x16\x03\x01\x02\x00\x01")},
	{"handshakes", true, 300, 1 << 30, makeHandshakes},
	{"streams begun and cancelled", true, 20_000, 1 << 30, sendHTTP2Frames(func(f *http2.Framer, n int) error {
		id := uint32(2*n + 1)
		if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: streamRequestHeaders, EndStream: true, EndHeaders: true}); err != nil {
			return err
		}
		return f.WriteRSTStream(id, http2.ErrCodeCancel)
	})},
	{"headers without end", true, 20_000, 1 << 30, sendHTTP2Frames(func(f *http2.Framer, n int) error {
		if n == 0 {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: streamRequestHeaders})
		}
		return f.WriteContinuation(1, false, bytes.Repeat([]byte{0x00, 0x01, 'x', 0x01, 'y'}, 100))
	})},
	{"settings", true, 20_000, 1 << 30, sendHTTP2Frames(func(f *http2.Framer, _ int) error { return f.WriteSettings() })},
	{"pings", true, 20_000, 1 << 30, sendHTTP2Frames(func(f *http2.Framer, _ int) error { return f.WritePing(false, [8]byte{}) })},
	{"windows of a byte", true, 150, 1 << 30, sendHTTP2Frames(func(f *http2.Framer, n int) error {
		if n == 0 {
			if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}); err != nil {
				return err
			}
		}
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*n + 1), BlockFragment: streamRequestHeaders, EndStream: true, EndHeaders: true})
	})},
}

// address is where the daemon listens.
func (d *daemon) address() string { return d.URL[strings.Index(d.URL, "//")+2:] }

// holdConnections opens connections, sends the same text over each, and keeps all of them open until the last one is open.
func holdConnections(text string) func(context.Context, *daemon, int) {
	return func(ctx context.Context, d *daemon, n int) {
		var all []net.Conn
		defer func() {
			for _, c := range all {
				_ = c.Close()
			}
		}()
		for range n {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address())
			if err != nil {
				return // the time is over, or this process has no more descriptors
			}
			all = append(all, c)
			_, _ = io.WriteString(c, text) // camd may have closed it in favour of a newer one
		}
		if _, bounded := ctx.Deadline(); bounded {
			<-ctx.Done()
			return
		}
		_, _, _ = get(d.t, d.URL+"/healthz") // camd accepts this connection after all the others
	}
}

// sendHeadersSlowly writes a byte of a header ten times a second over each of n connections, until the daemon has closed all of them.
func sendHeadersSlowly(ctx context.Context, d *daemon, n int) {
	var all sync.WaitGroup
	defer all.Wait()
	for range n {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address())
		if err != nil {
			return
		}
		all.Go(func() {
			defer c.Close()
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
			for err == nil {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					_, err = c.Write([]byte("a"))
				}
			}
		})
	}
}

// sendOversizedRequests sends a request of each kind that is too large, n times.
func sendOversizedRequests(ctx context.Context, d *daemon, n int) {
	long := strings.Repeat("x", 1<<20)
	for range n {
		if ctx.Err() != nil {
			return
		}
		for _, change := range []func(*http.Request){
			func(r *http.Request) { r.Header.Set("X-Long", long) },
			func(r *http.Request) { r.URL.Path = "/" + long },
			func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/api/v1/wall", "cameras="+long[:60<<10] },
			func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(long)), int64(len(long))
			},
			func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader(long)), -1 },
		} {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+"/api/v1/cameras/a", nil)
			if err != nil {
				panic(err)
			}
			change(r)
			if answer, err := closingClient.Do(r); err == nil { // the connection may end before the whole request is sent
				_ = answer.Body.Close()
			}
		}
	}
}

// loginStatuses counts the answers to guessed passwords by status code.
var loginStatuses sync.Map

// guessPasswords tries n passwords of existing and unknown users, with the login form and with Basic, eight at a time.
func guessPasswords(ctx context.Context, d *daemon, n int) {
	many := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: testTimeout}
	defer many.CloseIdleConnections()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for k := next.Add(1); k <= int64(n) && ctx.Err() == nil; k = next.Add(1) {
				user := []string{"anna", fmt.Sprint("nobody", k)}[k%2]
				form := url.Values{"user": {user}, "password": {fmt.Sprint(k)}}
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+"/login", strings.NewReader(form.Encode()))
				if k%4 < 2 {
					r, err = http.NewRequestWithContext(ctx, http.MethodGet, d.URL+"/api/v1/cameras", nil)
				}
				if err != nil {
					panic(err)
				}
				if r.Method == http.MethodPost {
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				} else {
					r.SetBasicAuth(user, fmt.Sprint(k))
				}
				if answer, err := many.Do(r); err == nil {
					count, _ := loginStatuses.LoadOrStore(answer.StatusCode, new(atomic.Int64))
					count.(*atomic.Int64).Add(1)
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
			}
		})
	}
	all.Wait()
}

// floodWalls sends pings over n walls, one after the other, until camd disconnects each.
func floodWalls(ctx context.Context, d *daemon, n int) {
	for range n {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address())
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, c) })
		_, err = io.WriteString(c, "GET /api/v1/wall?cameras=a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		for err == nil {
			_, err = io.WriteString(c, strings.Repeat("\x89\x80\x00\x00\x00\x00", 100))
		}
		_ = c.Close()
		reading.Wait()
		stop()
	}
}

// makeHandshakes makes n full handshakes, one after the other.
func makeHandshakes(ctx context.Context, d *daemon, n int) {
	dialer := tls.Dialer{Config: insecureTLS}
	for range n {
		c, err := dialer.DialContext(ctx, "tcp", d.address())
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			continue
		}
		_ = c.Close()
	}
}

// streamRequestHeaders are the headers of a request for a stream.
var streamRequestHeaders = func() []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "127.0.0.1"}, {":path", "/cameras/a/stream.mjpg"}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	return b.Bytes()
}()

// sendHTTP2Frames calls write n times on HTTP/2 connections. When the daemon ends a connection, it opens another one.
func sendHTTP2Frames(write func(f *http2.Framer, n int) error) func(context.Context, *daemon, int) {
	return func(ctx context.Context, d *daemon, n int) {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
		for done := 0; done < n && ctx.Err() == nil; {
			c, err := dialer.DialContext(ctx, "tcp", d.address())
			if err != nil {
				done++
				continue
			}
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			var reading sync.WaitGroup
			f := http2.NewFramer(c, c)
			f.AllowIllegalWrites, f.AllowIllegalReads = true, true
			answered := make(chan struct{})
			reading.Go(func() { defer close(answered); readUntilLastPing(f) })
			_, err = io.WriteString(c, http2.ClientPreface)
			if err == nil {
				err = f.WriteSettings()
			}
			for k := 0; err == nil && done < n; k++ {
				err = write(f, k)
				done++
			}
			if err == nil {
				_ = f.WritePing(false, lastPing)
				<-answered
			}
			_ = c.Close()
			reading.Wait()
			stop()
		}
	}
}

// lastPing is the last ping of a connection. Its answer shows that the daemon has read everything before it.
var lastPing = [8]byte{'l', 'a', 's', 't', 'p', 'i', 'n', 'g'}

// readUntilLastPing reads frames until the last ping is answered or the connection ends.
func readUntilLastPing(f *http2.Framer) {
	for {
		frame, err := f.ReadFrame()
		if ping, ok := frame.(*http2.PingFrame); err != nil || ok && ping.IsAck() && ping.Data == lastPing {
			return
		}
	}
}

// startAbuseTarget starts a daemon that tests abuse.
func startAbuseTarget(t testing.TB, certificate string) *daemon {
	t.Helper()
	// Everyone has full access, and there is a user with a password to guess.
	const users = "auth: {anonymous: admin, users: {anna: {role: admin, hash: '$argon2id$v=19$m=19456,t=2,p=1$2LYldxWDGID9iTuf56wwcw$uK1xWLn0WYADcqqDwzUduAk8qop2YvKJOxYsIQ2Ap04'}}}\n"
	d := start(t, options{config: fmt.Sprintf("%s"+users+longWriteTimeout+"limits: {connections: 2000}\ncameras:\n  - {id: a, source: 'test://?size=640x360&fps=30', stall_timeout: 2m}\n", certificate)})
	d.waitForState("a", "live")
	return d
}
