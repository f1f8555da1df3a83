package rtsp

import (
	"context"
	"errors"
	"net"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtp"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/media/h26x"
)

// readUDP reads a stream over UDP until a number of frames has come, and returns the error.
func readUDP(t *testing.T, r *recorder, served *testpeer.RTSPCamera, frames int) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
	defer cancel()
	r.onFrame = func(n int) {
		r.tokens <- struct{}{}
		if n == frames {
			cancel()
		}
	}
	o := r.options("rtsp://" + served.Serve(t) + "/cam")
	o.Transport = "udp"
	return Read(ctx, o)
}

// sendPaced plays frames, a few ahead of the reader: a socket that is full drops packets.
func (r *recorder) sendPaced(conn *testpeer.RTSPConn, frames [][]*rtp.Packet) {
	for i, frame := range frames {
		sendAll([][]*rtp.Packet{frame})(conn)
		if i >= 4 && !r.hasFrame(conn) {
			return
		}
	}
}

// hasFrame waits for the reader's next frame. It returns false if the reader has gone.
func (r *recorder) hasFrame(conn *testpeer.RTSPConn) bool {
	for {
		select {
		case <-r.tokens:
			return true
		case _, ok := <-conn.Requests:
			if !ok {
				return false
			}
		}
	}
}

func waitForReader(c *testpeer.RTSPConn) {
	for range c.Requests { //nolint:revive // until it has gone
	}
}

// Packets from other addresses, and from other ports of the camera's, do not count. Packets may come twice and in another order.
func TestOnlyTheCameraCountsOverUDP(t *testing.T) {
	c := load(t, h26x.H264, "bframes=3:b-adapt=0")
	frames := c.rtp(t, inSDP)
	r := &recorder{tokens: make(chan struct{}, 1000)}
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
		foreign, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2), Port: conn.ServerPort()})
		if err != nil {
			t.Error(err)
			return
		}
		defer foreign.Close()
		other, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		var all []*rtp.Packet
		for _, frame := range frames {
			all = append(all, frame...)
		}
		finished := 0
		for i := 0; i < len(all); i++ {
			if all[i].Marker {
				if finished++; finished > 4 && !r.hasFrame(conn) {
					return
				}
			}
			wrong := *all[i]
			wrong.Payload = make([]byte, len(all[i].Payload))
			b, _ := wrong.Marshal()
			for _, sender := range []net.PacketConn{foreign, other} {
				_, _ = sender.WriteTo(b, conn.Reader())
			}
			if i > 0 && i%5 == 0 && i+1 < len(all) { // as it happens on a network
				_ = conn.SendRTP(all[i+1])
				_ = conn.SendRTP(all[i])
				_ = conn.SendRTP(all[i])
				i++
				continue
			}
			_ = conn.SendRTP(all[i])
		}
		waitForReader(conn)
	}}
	if err := readUDP(t, r, served, len(frames)); !errors.Is(err, context.Canceled) {
		t.Fatal(err, r.drops)
	}
	c.check(t, r, "udp")
}

// A camera may be silent for a while. It gets reports, so it knows that somebody still receives. The library's reports would end the process
// after two of them without a packet.
func TestSilentCamera(t *testing.T) {
	t.Parallel()
	c := load(t, h26x.H264, "keyint=10:min-keyint=10")
	frames := c.rtp(t, inSDP)
	r := &recorder{tokens: make(chan struct{}, 1000)}
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
		sendAll(frames[:10])(conn)
		for range 4 { // the first one opens firewalls
			if !conn.WaitForReport() {
				t.Error("no reports")
				return
			}
		}
		r.sendPaced(conn, frames[10:])
		waitForReader(conn)
	}}
	if err := readUDP(t, r, served, len(frames)); !errors.Is(err, context.Canceled) {
		t.Fatal(err, r.drops)
	}
	c.check(t, r, "udp")
}

// A camera that names another host as the sender of video is refused, and no packet goes there.
func TestOtherSendersAreRefused(t *testing.T) {
	c := load(t, h26x.H264, "")
	for source, isRefused := range map[string]bool{"127.0.0.1": false, "0.0.0.0": false, "127.0.0.2": true, "localhost": true, "host.invalid": true} {
		r := &recorder{tokens: make(chan struct{}, 1000)}
		served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
			r.sendPaced(conn, c.rtp(t, inSDP))
			waitForReader(conn)
		}}
		served.Answer = func(_ *testpeer.RTSPConn, request *base.Request) *base.Response {
			if request.Method != base.Setup {
				return nil
			}
			var transport headers.Transport
			_ = transport.Unmarshal(request.Header["Transport"])
			transport.Source2 = &source
			transport.ServerPorts = &[2]int{20000, 20001}
			request.Header["Transport"] = transport.Marshal() // the camera answers what it was asked
			return nil
		}
		err := readUDP(t, r, served, 10)
		if isRefused {
			wantError(t, err, *otherSender(source))
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// After a loss, frames are left out up to the next keyframe. What arrives decodes without error.
func TestLoss(t *testing.T) {
	for _, one := range []struct {
		name    string
		codec   h26x.Codec
		encoder string
		where   int
	}{
		{"h264", h26x.H264, "bframes=3:b-adapt=0:keyint=10:min-keyint=10", inBand},
		{"h264, slices", h26x.H264, "slices=4:keyint=10:min-keyint=10", inBand},
		{"h264, keyframes only", h26x.H264, "keyint=1", inSDP},
		{"h265, open groups", h26x.H265, "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1", inSDP},
		{"mjpeg", MJPEG, "", 0},
	} {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			c := load(t, one.codec, one.encoder)
			known := map[string]bool{}
			for _, hash := range testpeer.DecodedPictures(t, c.path) {
				known[hash] = true
			}
			frames := c.rtp(t, one.where)
			for _, period := range []int{7, 11, 23, 60} {
				count := 0
				var lost atomic.Int64
				served := &testpeer.RTSPCamera{Description: sdp(t, c.media(one.where)), Play: func(conn *testpeer.RTSPConn) {
					for _, frame := range frames {
						for _, p := range frame {
							if count++; count%period == 0 {
								lost.Add(1)
								continue
							}
							_ = conn.SendRTP(p)
						}
					}
				}}
				r := &recorder{}
				wantError(t, read(t, r.options("rtsp://"+served.Serve(t)+"/cam")), closed)
				if len(r.frames) == 0 {
					continue // no group is complete
				}
				for i, hash := range r.pictures(t) {
					if !known[hash] {
						t.Errorf("picture %d is damaged, with every %d. packet lost", i, period)
					}
				}
				if lost.Load() > 0 && r.drops[Lost] == 0 || len(r.drops) > 1 {
					t.Errorf("left out %v", r.drops)
				}
			}
		})
	}
}

// A frame at which a decoder cannot begin is not the first one, wherever a camera begins to send.
func TestStreamsBeginWithAKeyframe(t *testing.T) {
	for _, codec := range []h26x.Codec{h26x.H264, h26x.H265} {
		c := load(t, codec, "keyint=25:min-keyint=25")
		frames := c.rtp(t, inSDP)
		served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
			_ = conn.SendRTP(frames[0][len(frames[0])-1]) // the last packet of a keyframe
			sendAll(frames[1:])(conn)
		}}
		r := &recorder{}
		wantError(t, read(t, r.options("rtsp://"+served.Serve(t)+"/cam")), closed)
		if want := (map[string]int{NoKeyframe: 24}); len(r.frames) != 25 || !r.frames[0].Unit.Key || !reflect.DeepEqual(r.drops, want) {
			t.Errorf("%s: %d frames, left out %v", codec, len(r.frames), r.drops)
		}
	}
}
