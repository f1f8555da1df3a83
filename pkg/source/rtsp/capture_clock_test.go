package rtsp

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"

	"camd/internal/testpeer"
	"camd/pkg/media/h26x"
)

// step is a sender report or a frame. Times are relative to the begin of the stream, by this machine's clock.
type step struct {
	isReport bool
	pts      time.Duration
	arrived  time.Duration
	camera   time.Duration // report: the camera's time
	want     time.Duration // frame: when it was taken
}

func report(pts, arrived, camera time.Duration) step { return step{true, pts, arrived, camera, 0} }
func picture(pts, arrived, want time.Duration) step  { return step{false, pts, arrived, 0, want} }

const ms = time.Millisecond

func TestCaptureTimes(t *testing.T) {
	for name, steps := range map[string][]step{
		"no reports":                           {picture(0, 100*ms, 100*ms), picture(40*ms, 150*ms, 150*ms)},
		"a report":                             {report(0, 100*ms, 20*ms), picture(0, 100*ms, 20*ms), picture(40*ms, 190*ms, 60*ms)},
		"a clock that is ahead":                {report(0, 0, 900*ms), picture(0, 10*ms, 10*ms), picture(40*ms, 50*ms, 50*ms)},
		"a clock of tomorrow":                  {report(0, 0, 24*time.Hour), picture(0, 10*ms, 10*ms)},
		"a clock of 1970":                      {report(0, 0, -400_000*time.Hour), picture(0, 10*ms, 10*ms)},
		"six seconds late":                     {report(0, 0, -6*time.Second), picture(0, 10*ms, 10*ms)},
		"four seconds late":                    {report(0, 0, -4*time.Second), picture(0, 10*ms, -4*time.Second)},
		"a step back":                          {report(0, 0, -1*ms), picture(0, 0, -1*ms), report(1000*ms, 1000*ms, -2*time.Second), picture(1000*ms, 1000*ms, 1000*ms), report(2000*ms, 2000*ms, -1*time.Second), picture(2000*ms, 2000*ms, 1000*ms)},
		"a step forward":                       {report(0, 2000*ms, 0), picture(0, 2000*ms, 0), report(1000*ms, 3000*ms, 2500*ms), picture(1000*ms, 3000*ms, 3000*ms), report(2000*ms, 4000*ms, 3500*ms), picture(2000*ms, 4000*ms, 3500*ms)},
		"drift":                                {report(0, 0, 0), report(10*time.Second, 10*time.Second, 9800*ms), picture(10*time.Second, 10*time.Second, 9800*ms)},
		"frames in another order":              {report(0, 0, 0), picture(0, 10*ms, 0), picture(120*ms, 130*ms, 120*ms), picture(40*ms, 135*ms, 40*ms), picture(80*ms, 140*ms, 80*ms), picture(160*ms, 170*ms, 160*ms)},
		"a stream that stops and goes on late": {report(0, 0, 0), picture(0, 0, 0), picture(40*ms, 8000*ms, 8000*ms)},
		"this machine's clock set back":        {picture(0, 5000*ms, 5000*ms), picture(40*ms, 40*ms, 40*ms)},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
			var c captureClock
			for i, s := range steps {
				if s.isReport {
					c.report(begin.Add(s.camera), s.pts, begin.Add(s.arrived))
				} else if got := c.at(s.pts, begin.Add(s.arrived)).Sub(begin); got != s.want {
					t.Errorf("step %d: got %v, expected %v", i, got, s.want)
				}
			}
		})
	}
}

// Times come from a camera's reports, over the overflow of its timestamps. When its clock steps, they come from the arrival.
func TestReportsOfACamera(t *testing.T) {
	c := load(t, h26x.H264, "")
	frames := c.rtp(t, inSDP)
	const stepAt = 20
	reported := time.Now().Add(-3 * time.Second).Round(0)
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
		send := func(i int, at time.Time) {
			_ = conn.SendRTCP(&rtcp.SenderReport{SSRC: frames[0][0].SSRC, NTPTime: ntp.Encode(at), RTPTime: frames[i][0].Timestamp})
		}
		before := *frames[0][0]
		before.SequenceNumber--
		before.Timestamp -= 3600
		before.Payload = []byte{h264FUA, 1, 0} // a later fragment
		_ = conn.SendRTP(&before)
		send(0, reported)
		sendAll(frames[:stepAt])(conn)
		send(stepAt, reported.Add(time.Hour))
		sendAll(frames[stepAt:])(conn)
	}}
	r := &recorder{}
	wantError(t, read(t, r.options("rtsp://"+served.Serve(t)+"/cam")), closed)
	c.check(t, r, "tcp")
	for i, f := range r.frames {
		want := f.Arrived.Round(0)
		if i < stepAt {
			want = reported.Add(f.PTS - r.frames[0].PTS)
		}
		if off := f.Captured.Sub(want); off.Abs() > time.Millisecond { // how exact RTP and NTP are
			t.Errorf("frame %d: off by %v", i, off)
		}
	}
}
