package capture

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

// otherHost is a server at another address of this machine.
type otherHost struct {
	address     string // host:port
	connections atomic.Int64
}

// serveOther serves at 127.0.0.2.
func serveOther(t *testing.T, h http.HandlerFunc) *otherHost {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &otherHost{address: l.Addr().String()}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			o.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return o
}

func TestRedirectOfFFmpegToAnotherHostIsRefused(t *testing.T) {
	other := serveOther(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	home := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+other.address+"/video.ts", http.StatusFound)
	})
	e, _ := awaitMessage[wire.Ended](startCapture(t, wire.Start{Source: home + "/video.ts"}))
	if e.Reason != string(camera.Redirect) || e.Detail != `the camera redirects to the host "127.0.0.2": add it to redirect_hosts if you trust it` {
		t.Errorf("got %+v", e)
	}
	if n := other.connections.Load(); n != 0 {
		t.Errorf("%d connections to the other host", n)
	}
}

// Of the other redirects, FFmpeg follows those that the HTTP reader follows.
func TestRedirectOfFFmpegNeverLeavesHTTPS(t *testing.T) {
	c := testpeer.Certificate{}.Make(t)
	plain := serveFiles(t, map[string]string{"/piece.ts": tsSegment(t)})
	encrypted := testpeer.ServeTLS(t, plain, c).Address
	redirect := func(to string) string {
		return strings.TrimPrefix(serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }), "http://")
	}
	for _, test := range []struct {
		name, source string
		reason       camera.Reason // None means that frames arrive
	}{
		{"another port", "http://" + redirect("http://"+plain+"/piece.ts"), camera.None},
		{"http to https", "http://" + redirect("https://"+encrypted+"/piece.ts"), camera.None},
		{"https to http", "https://" + testpeer.ServeTLS(t, redirect("http://"+plain+"/piece.ts"), c).Address, camera.Redirect},
		{"another scheme", "http://" + redirect("ftp://"+plain), camera.Redirect},
		{"itself", "http://" + redirect("/again"), camera.Redirect},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: test.source, Capture: options.Capture{TLS: tlsverify.Options{CAFile: c.File}}})
			d.send(wire.Demand{Wanted: true})
			if test.reason == camera.None {
				awaitMessage[wire.VideoFrame](d)
				return
			}
			if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(test.reason) {
				t.Errorf("got %+v, want reason %q", e, test.reason)
			}
		})
	}
}

// serveRTSP answers each request with what respond returns: the status line and headers, an empty line and a body.
func serveRTSP(t *testing.T, respond func(method string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				for requests := textproto.NewReader(bufio.NewReader(c)); ; {
					line, err := requests.ReadLine()
					if err != nil {
						return
					}
					header, err := requests.ReadMIMEHeader()
					if err != nil {
						return
					}
					method, _, _ := strings.Cut(line, " ")
					status, rest, _ := strings.Cut(respond(method), "\r\n")
					fmt.Fprintf(c, "%s\r\nCSeq: %s\r\n%s", status, header.Get("Cseq"), rest)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// redirectRTSP answers every request with a redirect.
func redirectRTSP(t *testing.T, to string) string {
	t.Helper()
	return serveRTSP(t, func(string) string { return "RTSP/1.0 302 Moved\r\nLocation: " + to + "\r\n\r\n" })
}

// A camera cannot make FFmpeg send packets to another host. FFmpeg sends such packets to open a path for RTP over UDP.
func TestRTPOfAnotherHostIsRefused(t *testing.T) {
	other, err := net.ListenPacket("udp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.LocalAddr().String())
	const sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
	cameraAddress := serveRTSP(t, func(method string) string {
		switch method {
		case "OPTIONS":
			return "RTSP/1.0 200 OK\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n"
		case "DESCRIBE":
			return fmt.Sprintf("RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
		case "SETUP":
			return "RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP;unicast;client_port=5000-5001;source=127.0.0.2;server_port=" + port + "-" + port + "\r\n\r\n"
		}
		return "RTSP/1.0 200 OK\r\nSession: 1\r\n\r\n"
	})
	d := startCapture(t, wire.Start{Source: "rtsp://" + cameraAddress + "/cam", ReadTimeout: 2 * time.Second, Capture: options.Capture{Transport: "udp", OpenTimeout: 2 * time.Second}})
	if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.Redirect) || !strings.Contains(e.Detail, `"127.0.0.2"`) {
		t.Errorf("got %+v", e)
	}
	// All packets that FFmpeg has sent arrive before this one.
	if _, err := other.WriteTo([]byte("last"), other.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 1500)
	if n, from, err := other.ReadFrom(packet); err != nil || string(packet[:n]) != "last" {
		t.Errorf("%d bytes came from %v (%v)", n, from, err)
	}
}

func TestRTSPRedirectStaysOnTheHost(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	other := serveOther(t, func(http.ResponseWriter, *http.Request) {})
	c := testpeer.Certificate{}.Make(t)
	front := testpeer.ServeTLS(t, redirectRTSP(t, server.URL()), c)
	for _, test := range []struct {
		name, source, problem string // "" means that pictures arrive
	}{
		{"same host", "rtsp://" + redirectRTSP(t, server.URL()) + "/cam", ""},
		{"another host", "rtsp://" + redirectRTSP(t, "rtsp://"+other.address+"/cam") + "/cam", `the host "127.0.0.2": set source to`},
		{"rtsps to rtsp", "rtsps://" + front.Address + "/cam", "camd does not follow redirects of rtsps:// sources"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: test.source, Capture: options.Capture{TLS: tlsverify.Options{CAFile: c.File}}})
			d.send(wire.Demand{Wanted: true})
			if test.problem == "" {
				d.frame()
				return
			}
			if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.Redirect) || !strings.Contains(e.Detail, test.problem) {
				t.Errorf("got %+v, want %s", e, test.problem)
			}
			if n := other.connections.Load(); n != 0 {
				t.Errorf("%d connections to the other host", n)
			}
		})
	}
}

// A hostile playlist cannot make FFmpeg read another host or a file of this machine.
func TestHostilePlaylistReachesNoHostOrFile(t *testing.T) {
	video := tsSegment(t)
	other := serveOther(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(video)) })
	local := filepath.Join(t.TempDir(), "local.ts")
	if err := os.WriteFile(local, []byte(video), 0o600); err != nil {
		t.Fatal(err)
	}
	key := func(uri, pieces string) string {
		return strings.Replace(pieces, "#EXTINF", `#EXT-X-KEY:METHOD=AES-128,URI="`+uri+`"`+"\n#EXTINF", 1)
	}
	master := func(uri string) string { return "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n" + uri + "\n" }
	dash := func(uri string) string {
		return `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S" minBufferTime="PT1S" ` +
			`profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period><AdaptationSet mimeType="video/mp2t"><Representation id="1" bandwidth="1000000">` +
			`<BaseURL>` + uri + `</BaseURL></Representation></AdaptationSet></Period></MPD>`
	}
	for _, target := range []struct{ name, uri string }{
		{"another host", "http://" + other.address + "/piece.ts"},
		{"a file", "file://" + local},
		{"a path", local},
		{"/etc/passwd", "file:///etc/passwd"},
		{"a file through concat", "concat:" + local + "|" + local},
		{"a file through subfile", "subfile,,start,0,end,0,,:" + local},
		{"another host over tcp", "tcp://" + other.address},
		{"another host over rtmp", "rtmp://" + other.address + "/a/b"},
	} {
		for name, text := range map[string]string{
			"piece": playlist(target.uri), "key": key(target.uri, playlist("piece.ts")), "list in a list": master(target.uri),
			"DASH": dash(target.uri), "concat": "ffconcat version 1.0\nfile '" + target.uri + "'\n",
		} {
			t.Run(name+" "+target.name, func(t *testing.T) {
				home := serveFiles(t, map[string]string{"/list.m3u8": text, "/piece.ts": video})
				d := startCapture(t, wire.Start{Source: "http://" + home + "/list.m3u8"})
				d.send(wire.Demand{Wanted: true})
				e, _ := awaitMessage[wire.Ended](d)
				if name != "concat" && strings.HasPrefix(target.uri, "http://") && e.Reason != string(camera.Redirect) {
					t.Errorf("got %+v, want reason %q", e, camera.Redirect)
				}
				if n := other.connections.Load(); n != 0 {
					t.Errorf("%d connections to the other host", n)
				}
			})
		}
	}
}

// The same playlists play if they name the camera's own host, or a host of redirect_hosts.
func TestPlaylistOfAllowedHostsPlays(t *testing.T) {
	video := tsSegment(t)
	other := serveOther(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(video)) })
	second := serveFiles(t, map[string]string{"/piece.ts": video})
	for name, uri := range map[string]string{
		"own host": "piece.ts", "another port": "http://" + second + "/piece.ts", "redirect_hosts": "http://" + other.address + "/piece.ts",
	} {
		t.Run(name, func(t *testing.T) {
			home := serveFiles(t, map[string]string{"/list.m3u8": playlist(uri), "/piece.ts": video})
			d := startCapture(t, wire.Start{Source: "http://" + home + "/list.m3u8", Capture: options.Capture{RedirectHosts: []string{"127.0.0.2"}}})
			awaitMessage[wire.VideoFrame](d)
		})
	}
}

// A playlist on this machine cannot make FFmpeg connect to a server.
func TestLocalPlaylistReachesNoServer(t *testing.T) {
	other := serveOther(t, func(w http.ResponseWriter, _ *http.Request) {})
	list := filepath.Join(t.TempDir(), "list.m3u8")
	if err := os.WriteFile(list, []byte(playlist("http://"+other.address+"/piece.ts")), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _ := awaitMessage[wire.Ended](startCapture(t, wire.Start{Source: list}))
	if e.Reason != string(camera.BadStream) && e.Reason != string(camera.Redirect) {
		t.Errorf("got %+v", e)
	}
	if n := other.connections.Load(); n != 0 {
		t.Errorf("%d connections to the other host", n)
	}
}
