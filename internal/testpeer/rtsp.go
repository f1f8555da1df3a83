package testpeer

import (
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v5"

	"camd/internal/testrun"
)

// RTSP says what an RTSP server serves.
type RTSP struct {
	Clip           Clip   // h264, h265 or mjpeg
	User, Password string // if set, readers must send them, by Basic or Digest
}

// RTSPServer is an RTSP server in the process of the test, over TCP and UDP. It has one stream, at /cam. ffmpeg pushes the clip into it, in
// an endless loop and at its own rate, without encoding it again.
type RTSPServer struct {
	Address string // host:port

	options  RTSP
	t        testing.TB
	server   *gortsplib.Server
	stream   *rtspStream
	mu       sync.Mutex
	running  bool
	pusher   *testrun.Process
	udpPorts [2]int
}

// ServeRTSP starts the server and returns when its stream can be read.
func ServeRTSP(t testing.TB, o RTSP) *RTSPServer {
	t.Helper()
	rtp := evenPort(t)
	s := &RTSPServer{Address: fmt.Sprintf("127.0.0.1:%d", FreePort(t)), options: o, t: t, udpPorts: [2]int{rtp, rtp + 1}}
	t.Cleanup(func() { // also if the stream does not begin
		s.Stop()
		if t.Failed() && s.pusher != nil {
			t.Logf("ffmpeg: %s", s.pusher.Output.String())
		}
	})
	s.Start()
	return s
}

// URL returns the address of the stream without user and password.
func (r *RTSPServer) URL() string { return "rtsp://" + r.Address + "/cam" }

// UserURL returns the address of the stream with user and password.
func (r *RTSPServer) UserURL() string {
	u := url.URL{Scheme: "rtsp", Host: r.Address, Path: "/cam"}
	if r.options.User != "" {
		u.User = url.UserPassword(r.options.User, r.options.Password)
	}
	return u.String()
}

// Start starts the server again after Stop, at the same address, and returns when its stream can be read.
func (r *RTSPServer) Start() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	ffmpeg, clip := RequireProgram(r.t, "ffmpeg", "ffmpeg"), r.options.Clip.Make(r.t)
	r.stream = &rtspStream{user: r.options.User, password: r.options.Password}
	r.server = &gortsplib.Server{
		Handler:        r.stream,
		RTSPAddress:    r.Address,
		UDPRTPAddress:  fmt.Sprintf("127.0.0.1:%d", r.udpPorts[0]),
		UDPRTCPAddress: fmt.Sprintf("127.0.0.1:%d", r.udpPorts[1]),
	}
	r.stream.server = r.server
	if err := r.server.Start(); err != nil {
		r.t.Fatalf("rtsp server: %v", err)
	}
	p, err := testrun.Start(exec.Command(ffmpeg, "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip, "-an", "-c", "copy",
		"-f", "rtsp", "-rtsp_transport", "tcp", r.URL()))
	if err != nil {
		r.server.Close()
		r.t.Fatalf("rtsp pusher: %v", err)
	}
	r.pusher, r.running = p, true
	testrun.WaitFor(r.t, "the rtsp stream", func() bool {
		if p.HasExited() {
			r.t.Fatalf("rtsp pusher: %s", p.Output.String())
		}
		return r.stream.recording()
	})
}

// Stop ends the server and the connections of all readers.
func (r *RTSPServer) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running {
		return
	}
	r.running = false
	r.pusher.Kill()
	r.server.Close()
}

// StopSending keeps the server running and its readers connected, but sends nothing more.
func (r *RTSPServer) StopSending() { r.stream.mute() }

// evenPort returns the first of two free UDP ports. RTP uses the even port and RTCP the next one.
func evenPort(t testing.TB) int {
	t.Helper()
	for range 100 {
		if port := FreePort(t); port%2 == 0 && udpFree(port) && udpFree(port+1) {
			return port
		}
	}
	t.Fatal("no two free UDP ports")
	return 0
}

func udpFree(port int) bool {
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return c.Close() == nil
}
