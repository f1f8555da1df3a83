package testpeer

import (
	"bufio"
	"net"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/conn"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// RTSPCamera is an RTSP server that sends exactly what a test says: real packets, in any order, and any answers. A zero field is left out.
type RTSPCamera struct {
	Description    []byte // SDP
	User, Password string // if set, readers must send them
	Methods        []auth.VerifyMethod
	Session        string // the header of that name; default "1"

	// Answer replaces the answer to a request. nil gives the ordinary one.
	Answer func(*RTSPConn, *base.Request) *base.Response

	// Play sends the stream of a reader that has sent PLAY. The connection is closed when it returns.
	Play func(*RTSPConn)
}

// RTSPConn is the connection of a reader.
type RTSPConn struct {
	net.Conn
	Requests <-chan *base.Request // those after PLAY; closed with the connection

	camera    *RTSPCamera
	requests  chan *base.Request
	nonce     string
	isUDP     bool
	rtp, rtcp net.PacketConn // UDP
	reader    [2]net.Addr
}

// Serve starts the camera and returns its address, host:port. It stops when the test ends.
func (c *RTSPCamera) Serve(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	isClosed := false
	running.Go(func() {
		for {
			accepted, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, accepted)
			if isClosed {
				accepted.Close()
			}
			mu.Unlock()
			running.Go(func() { c.serve(accepted) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		isClosed = true
		for _, one := range open {
			one.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

func (c *RTSPCamera) serve(accepted net.Conn) {
	requests := make(chan *base.Request, 64)
	r := &RTSPConn{Conn: accepted, Requests: requests, camera: c, requests: requests}
	r.nonce, _ = auth.GenerateNonce()
	var playing sync.WaitGroup
	defer func() {
		accepted.Close()
		close(requests)
		if r.isUDP {
			r.rtp.Close()
			r.rtcp.Close()
		}
		playing.Wait()
	}()
	parser := conn.NewConn(bufio.NewReader(accepted), accepted)
	for isPlaying := false; ; {
		what, err := parser.Read()
		if err != nil {
			return
		}
		request, ok := what.(*base.Request)
		if !ok {
			continue
		}
		if isPlaying {
			select {
			case requests <- request:
			default:
			}
		}
		response := r.answer(request)
		if response == nil || parser.WriteResponse(response) != nil {
			return
		}
		if request.Method == base.Play && response.StatusCode == base.StatusOK && c.Play != nil && !isPlaying {
			isPlaying = true
			playing.Go(func() {
				defer accepted.Close()
				c.Play(r)
			})
		}
	}
}

func (r *RTSPConn) answer(request *base.Request) *base.Response {
	response := &base.Response{StatusCode: base.StatusOK, Header: base.Header{}}
	if r.camera.Answer != nil {
		if replaced := r.camera.Answer(r, request); replaced != nil {
			response = replaced
		}
	}
	if response.Header == nil {
		response.Header = base.Header{}
	}
	response.Header["CSeq"] = request.Header["CSeq"]
	if response.StatusCode != base.StatusOK {
		return response
	}
	if r.camera.User != "" && request.Method != base.Options {
		if auth.Verify(request, r.camera.User, r.camera.Password, r.camera.Methods, "camera", r.nonce) != nil {
			response.StatusCode = base.StatusUnauthorized
			response.Header["WWW-Authenticate"] = auth.GenerateWWWAuthenticate(r.camera.Methods, "camera", r.nonce)
			return response
		}
	}
	switch request.Method {
	case base.Options:
		response.Header["Public"] = base.HeaderValue{"DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"}
	case base.Describe:
		response.Header["Content-Type"] = base.HeaderValue{"application/sdp"}
		if response.Body == nil {
			response.Body = r.camera.Description
		}
	case base.Setup:
		r.setUp(request, response)
	}
	return response
}

func (r *RTSPConn) setUp(request *base.Request, response *base.Response) {
	session := r.camera.Session
	if session == "" {
		session = "1"
	}
	response.Header["Session"] = base.HeaderValue{session}
	var asked headers.Transport
	if response.Header["Transport"] != nil || asked.Unmarshal(request.Header["Transport"]) != nil {
		return
	}
	if asked.Protocol == headers.TransportProtocolUDP && !r.isUDP {
		r.isUDP = true
		r.rtp, r.rtcp = listenUDP("127.0.0.1"), listenUDP("127.0.0.1")
		for i, port := range asked.ClientPorts {
			r.reader[i] = &net.UDPAddr{IP: r.RemoteAddr().(*net.TCPAddr).IP, Port: port}
		}
		asked.ServerPorts = &[2]int{r.rtp.LocalAddr().(*net.UDPAddr).Port, r.rtcp.LocalAddr().(*net.UDPAddr).Port}
	}
	response.Header["Transport"] = asked.Marshal()
}

// listenUDP opens a socket at a free port. It panics on an error, which no test expects.
func listenUDP(host string) net.PacketConn {
	c, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
	if err != nil {
		panic(err)
	}
	return c
}

// ServerPort returns the UDP port of the server's RTP.
func (r *RTSPConn) ServerPort() int { return r.rtp.LocalAddr().(*net.UDPAddr).Port }

// Reader returns the address to which RTP goes over UDP.
func (r *RTSPConn) Reader() net.Addr { return r.reader[0] }

// SendRTP sends a packet.
func (r *RTSPConn) SendRTP(p *rtp.Packet) error {
	b, err := p.Marshal()
	if err != nil {
		return err
	}
	return r.send(0, b)
}

// SendRTCP sends a packet.
func (r *RTSPConn) SendRTCP(p rtcp.Packet) error {
	b, err := p.Marshal()
	if err != nil {
		return err
	}
	return r.send(1, b)
}

func (r *RTSPConn) send(channel int, b []byte) error {
	if r.isUDP {
		_, err := []net.PacketConn{r.rtp, r.rtcp}[channel].WriteTo(b, r.reader[channel])
		return err
	}
	framed, _ := base.InterleavedFrame{Channel: channel, Payload: b}.Marshal()
	_, err := r.Write(framed)
	return err
}

// WaitForReport waits for an RTCP packet of the reader, over UDP. It returns false when the camera stops.
func (r *RTSPConn) WaitForReport() bool {
	b := make([]byte, 1500)
	n, _, err := r.rtcp.ReadFrom(b)
	if err != nil {
		return false
	}
	_, err = rtcp.Unmarshal(b[:n])
	return err == nil
}
