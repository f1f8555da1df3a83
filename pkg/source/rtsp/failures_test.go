package rtsp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/media/h26x"
)

func status(method base.Method, code base.StatusCode, header base.Header) func(*testpeer.RTSPConn, *base.Request) *base.Response {
	return func(_ *testpeer.RTSPConn, r *base.Request) *base.Response {
		if r.Method != method {
			return nil
		}
		return &base.Response{StatusCode: code, Header: header}
	}
}

// raw answers a DESCRIBE with bytes.
func raw(send func(io.Writer)) func(*testpeer.RTSPConn, *base.Request) *base.Response {
	return func(c *testpeer.RTSPConn, r *base.Request) *base.Response {
		if r.Method == base.Describe {
			send(c)
		}
		return nil
	}
}

func repeat(what string) func(io.Writer) {
	return func(w io.Writer) {
		for b := bytes.Repeat([]byte(what), 1000); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	}
}

func TestFailuresToOpen(t *testing.T) {
	c := load(t, h26x.H264, "")
	video := sdp(t, c.media(inSDP))
	other := sdp(t, &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.VP8{PayloadTyp: 96}}})
	audio := sdp(t, &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.G711{MULaw: true, SampleRate: 8000, ChannelCount: 1}}})
	medias := bytes.Repeat(video[bytes.Index(video, []byte("m=")):], 33)
	for name, one := range map[string]struct {
		camera testpeer.RTSPCamera
		want   Error
	}{
		"wrong password":    {testpeer.RTSPCamera{User: "admin", Password: "other"}, Error{Reason: camera.Auth, Detail: "login failed (401): check user and password"}},
		"403":               {testpeer.RTSPCamera{Answer: status(base.Describe, 403, nil)}, Error{Reason: camera.Auth, Detail: "login failed (403): check user and password"}},
		"no such path":      {testpeer.RTSPCamera{Answer: status(base.Describe, 404, nil)}, Error{Reason: camera.NotFound, Detail: "the server answered 404: check the path in source"}},
		"server error":      {testpeer.RTSPCamera{Answer: status(base.Play, 500, nil)}, Error{Reason: camera.BadStream, Detail: "the server answered 500 Internal Server Error"}},
		"transport refused": {testpeer.RTSPCamera{Answer: status(base.Setup, 461, nil)}, Error{Reason: camera.BadStream, Detail: "the server does not send over tcp (461): change transport"}},
		"another codec":     {testpeer.RTSPCamera{Description: other}, Error{Reason: camera.BadStream, Detail: `the camera sends "VP8" video: choose H.264 at the camera`, NeedsDecoder: true}},
		"no video":          {testpeer.RTSPCamera{Description: audio}, Error{Reason: camera.BadStream, Detail: "the camera offers no video: check the path in source"}},
		"33 medias":         {testpeer.RTSPCamera{Description: append(video[:bytes.Index(video, []byte("m=")):bytes.Index(video, []byte("m="))], medias...)}, Error{Reason: camera.BadStream, Detail: "the camera offers 33 media streams, more than 32"}},
		"huge SDP": {testpeer.RTSPCamera{Description: bytes.Repeat([]byte("a=x\r\n"), 1<<15)},
			Error{Reason: camera.BadStream, Detail: `camd cannot read the server's answer: "Content-Length exceeds 131072 (it's 163840)"`, NeedsDecoder: true}},
		"no SDP": {testpeer.RTSPCamera{Description: []byte("geheim")},
			Error{Reason: camera.BadStream, Detail: `camd cannot read the server's answer: "invalid SDP: invalid line: (***)"`, NeedsDecoder: true}},
		"endless garbage": {testpeer.RTSPCamera{Answer: raw(repeat("garbage\n"))}, Error{Reason: camera.BadStream, Detail: "the server sent more than 1024 KiB before the stream began"}},
		"endless headers": {testpeer.RTSPCamera{Answer: raw(func(w io.Writer) { _, _ = io.WriteString(w, "RTSP/1.0 200 OK\r\n"); repeat("A: b\r\n")(w) })},
			Error{Reason: camera.BadStream, Detail: `camd cannot read the server's answer: "headers count exceeds 255"`, NeedsDecoder: true}},
		"connection closed": {testpeer.RTSPCamera{Answer: func(c *testpeer.RTSPConn, r *base.Request) *base.Response {
			if r.Method == base.Setup {
				c.Close()
			}
			return nil
		}}, Error{Reason: camera.Disconnected, Detail: "the camera closed the connection before the stream began"}},
		"redirect to another host": {testpeer.RTSPCamera{Answer: status(base.Describe, 302, base.Header{"Location": {"rtsp://localhost:1/x"}})},
			Error{Reason: camera.Redirect, Detail: `the camera redirects to the host "localhost": set source to its address if you trust it`}},
		"redirect without an address": {testpeer.RTSPCamera{Answer: status(base.Describe, 302, nil)},
			Error{Reason: camera.Redirect, Detail: "the camera redirects (302) and does not say where: check source"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := one.camera
			if served.Description == nil {
				served.Description = video
			}
			r := &recorder{}
			wantError(t, read(t, r.options("rtsp://admin:geheim@"+served.Serve(t)+"/cam")), one.want)
			if len(r.infos)+len(r.frames) > 0 {
				t.Errorf("opened %v, %d frames", r.infos, len(r.frames))
			}
		})
	}
}

func TestLogins(t *testing.T) {
	c := load(t, h26x.H264, "")
	for name, methods := range map[string][]auth.VerifyMethod{
		"Basic": {auth.VerifyMethodBasic}, "Digest with MD5": {auth.VerifyMethodDigestMD5}, "Digest with SHA-256": {auth.VerifyMethodDigestSHA256},
		"Digest before Basic": {auth.VerifyMethodBasic, auth.VerifyMethodDigestMD5},
	} {
		t.Run(name, func(t *testing.T) {
			served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: sendAll(c.rtp(t, inSDP)), User: "ad min", Password: "g/@#é", Methods: methods}
			sent := recordRequests(served)
			r := &recorder{}
			wantError(t, read(t, r.options("rtsp://ad%20min:g%2F%40%23%C3%A9@"+served.Serve(t)+"/cam")), closed)
			c.check(t, r, "tcp")
			if sent.all[1].Header["Authorization"] != nil {
				t.Error("sent a login that nobody asked for")
			}
			if name == "Digest before Basic" && !strings.HasPrefix(sent.all[2].Header["Authorization"][0], "Digest") {
				t.Errorf("sent %v", sent.all[2].Header)
			}
		})
	}
	served := &testpeer.RTSPCamera{User: "admin", Password: "geheim"}
	wantError(t, read(t, (&recorder{}).options("rtsp://"+served.Serve(t)+"/cam")),
		Error{Reason: camera.Auth, Detail: "the server requires a login (401): set user and password_file"})
}

func TestRedirects(t *testing.T) {
	c := load(t, h26x.H264, "")
	target := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: sendAll(c.rtp(t, inSDP)), User: "admin", Password: "geheim"}
	first := &testpeer.RTSPCamera{Answer: status(base.Describe, 301, base.Header{"Location": {"rtsp://" + target.Serve(t) + "/other"}})}
	r := &recorder{}
	wantError(t, read(t, r.options("rtsp://admin:geheim@"+first.Serve(t)+"/cam")), closed)
	c.check(t, r, "tcp")

	endless := &testpeer.RTSPCamera{}
	endless.Answer = func(c *testpeer.RTSPConn, r *base.Request) *base.Response {
		return status(base.Describe, 302, base.Header{"Location": {"rtsp://" + c.LocalAddr().String() + "/again"}})(c, r)
	}
	wantError(t, read(t, r.options("rtsp://"+endless.Serve(t)+"/cam")),
		Error{Reason: camera.Redirect, Detail: "the camera redirects more than 8 times: check source"})
}

func TestServersThatAreNotThere(t *testing.T) {
	address := testpeer.FreePort(t)
	host := fmt.Sprintf("127.0.0.1:%d", address)
	wantError(t, read(t, (&recorder{}).options("rtsp://"+host+"/cam")),
		Error{Reason: camera.Unreachable, Detail: host + " refused the connection: check the port"})

	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	answering := make(chan struct{})
	go func() {
		defer close(answering)
		for {
			c, err := web.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			c.Close()
		}
	}()
	wantError(t, read(t, (&recorder{}).options("rtsp://"+web.Addr().String()+"/cam")),
		Error{Reason: camera.BadStream, Detail: web.Addr().String() + " did not answer in RTSP: check the port in source"})
	web.Close()
	<-answering
}

// wait is an Answer that never comes for a method.
func wait(method base.Method, reached chan<- struct{}) func(*testpeer.RTSPConn, *base.Request) *base.Response {
	return func(c *testpeer.RTSPConn, r *base.Request) *base.Response {
		if r.Method == method {
			reached <- struct{}{}
			_, _ = io.Copy(io.Discard, c)
		}
		return nil
	}
}

func TestOpenTimeout(t *testing.T) {
	c := load(t, h26x.H264, "")
	for _, method := range []base.Method{base.Options, base.Setup, base.Play} {
		served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Answer: wait(method, make(chan struct{}, 1))}
		address := served.Serve(t)
		o := (&recorder{}).options("rtsp://" + address + "/cam")
		o.OpenTimeout = 100 * time.Millisecond
		want := Error{Reason: camera.Timeout, Detail: "the server answered, but did not start the stream in time"}
		if method == base.Options {
			want.Detail = "no answer from " + address + ": check its power, its network, and firewalls"
		}
		wantError(t, read(t, o), want)
	}
}

// The end of the context ends Read in every state of the connection.
func TestContextEndsEverything(t *testing.T) {
	c := load(t, h26x.H264, "")
	for _, method := range []base.Method{base.Options, base.Describe, base.Setup, base.Play} {
		reached := make(chan struct{}, 1)
		served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Answer: wait(method, reached)}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-reached
			cancel()
		}()
		if err := Read(ctx, (&recorder{}).options("rtsp://"+served.Serve(t)+"/cam")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", method, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(ctx, (&recorder{}).options("rtsp://127.0.0.1:1/cam")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A session ends with TEARDOWN, and lives as long as the camera asks for.
func TestSessionIsKeptAlive(t *testing.T) {
	c := load(t, h26x.H264, "")
	var after []base.Method
	gone := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
	defer cancel()
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Session: "7;timeout=5", Play: func(c *testpeer.RTSPConn) {
		defer close(gone)
		for request := range c.Requests {
			after = append(after, request.Method)
			if s := request.Header["Session"]; len(s) != 1 || s[0] != "7" {
				t.Errorf("session %v", s)
			}
			cancel() // after the first one
		}
	}}
	address := served.Serve(t)
	if err := Read(ctx, (&recorder{}).options("rtsp://"+address+"/cam")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	<-gone
	if len(after) < 2 || after[0] != base.GetParameter || after[len(after)-1] != base.Teardown {
		t.Errorf("sent %v", after)
	}
}

func TestStreamsThatEnd(t *testing.T) {
	c := load(t, h26x.H264, "")
	frames := c.rtp(t, inSDP)
	ssrc := frames[0][0].SSRC
	untilClosed := func(c *testpeer.RTSPConn) {
		for range c.Requests { //nolint:revive // until the reader has gone
		}
	}
	for name, one := range map[string]struct {
		then func(*testpeer.RTSPConn)
		want Error
	}{
		"stops sending": {untilClosed, Error{Reason: camera.Timeout, Detail: "the camera has sent no video for 500ms"}},
		"says goodbye": {func(c *testpeer.RTSPConn) { _ = c.SendRTCP(&rtcp.Goodbye{Sources: []uint32{ssrc}}); untilClosed(c) },
			Error{Reason: camera.Disconnected, Detail: "the camera ended the stream"}},
		"tears down": {func(c *testpeer.RTSPConn) {
			_, _ = io.WriteString(c, "TEARDOWN rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n")
			untilClosed(c)
		}, Error{Reason: camera.Disconnected, Detail: `the camera ended the stream with a request "TEARDOWN"`}},
		"closes": {func(*testpeer.RTSPConn) {}, closed},
		"sends other bytes": {func(c *testpeer.RTSPConn) { repeat("garbage, and more of it\r\n")(c) },
			Error{Reason: camera.Timeout, Detail: "the camera has sent no video for 500ms"}},
		"sends RTP that is none": {func(c *testpeer.RTSPConn) { repeat("$\x00\x00\x03\xFF\xFF\xFF")(c) },
			Error{Reason: camera.Timeout, Detail: "the camera has sent no video for 500ms"}},
		"sends half an answer": {func(c *testpeer.RTSPConn) { _, _ = io.WriteString(c, "RTSP/1.0 200"); c.Close() }, closed},
		"sends a wrong answer": {func(c *testpeer.RTSPConn) { _, _ = io.WriteString(c, "RTSP/9.9 200 OK\r\n\r\n"); untilClosed(c) },
			Error{Reason: camera.Disconnected, Detail: `the camera sent data that is not RTSP: "expected 'RTSP/1.0', got [82 84 83 80 47 57 46 57]"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
				sendAll(frames)(conn)
				one.then(conn)
			}}
			r := &recorder{}
			o := r.options("rtsp://" + served.Serve(t) + "/cam")
			o.ReadTimeout = 500 * time.Millisecond
			wantError(t, read(t, o), one.want)
			if len(r.frames) != len(frames) {
				t.Errorf("%d frames of %d", len(r.frames), len(frames))
			}
		})
	}
}

// Streams that this package cannot carry are for a decoder.
func TestStreamsForADecoder(t *testing.T) {
	c := load(t, h26x.H264, "keyint=300")
	frames := c.rtp(t, 0)
	endless := func(c *testpeer.RTSPConn) {
		for sequence, stamp := uint16(0), uint32(0); ; stamp += 3600 {
			for _, frame := range frames[1:] {
				for _, p := range frame {
					one := rtp.Packet{Header: p.Header, Payload: p.Payload}
					one.SequenceNumber, one.Timestamp = sequence, stamp
					sequence++
					if c.SendRTP(&one) != nil {
						return
					}
				}
				stamp += 3600
			}
		}
	}
	for name, one := range map[string]struct {
		where int
		want  Error
	}{
		"no keyframes":      {inSDP, Error{Reason: camera.BadStream, Detail: "the camera has sent no keyframe for 5s: set a keyframe interval of 1 to 5 s at the camera, or reader to opencv", NeedsDecoder: true}},
		"no parameter sets": {0, Error{Reason: camera.BadStream, Detail: "camd cannot read the camera's video (no_parameter_set): set reader to opencv", NeedsDecoder: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := &testpeer.RTSPCamera{Description: sdp(t, c.media(one.where)), Play: endless}
			r := &recorder{}
			o := r.options("rtsp://" + served.Serve(t) + "/cam")
			o.Track.MaxKeyframeInterval = 5 * time.Second // of the stream's time, which runs faster
			if one.where == 0 {
				o.Track.MaxKeyframeInterval, o.ReadTimeout = 100*time.Millisecond, 400*time.Millisecond
			}
			wantError(t, read(t, o), one.want)
			if len(r.frames) > 0 {
				t.Errorf("%d frames", len(r.frames))
			}
		})
	}
}
