package capture

import (
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

func TestEverySourceKindOpensAndDelivers(t *testing.T) {
	file := func(clip testpeer.Clip) func(*testing.T) wire.Start {
		return func(t *testing.T) wire.Start { return wire.Start{Source: clip.Make(t)} }
	}
	decoded := func(clip testpeer.Clip) func(*testing.T) wire.Start {
		return func(t *testing.T) wire.Start {
			return wire.Start{Source: clip.Make(t), Capture: options.Capture{Reader: options.ReaderOpenCV}}
		}
	}
	rtsp := func(clip testpeer.Clip, transport string) func(*testing.T) wire.Start {
		return func(t *testing.T) wire.Start {
			s := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: clip})
			return wire.Start{Source: s.URL(), Capture: options.Capture{Transport: transport}}
		}
	}
	mjpegIn := func(container string) testpeer.Clip { return testpeer.Clip{Codec: "mjpeg", Container: container} }
	for _, c := range []struct {
		name        string
		start       func(*testing.T) wire.Start
		backend     string
		codec       string
		passthrough bool
	}{
		{"test picture", func(*testing.T) wire.Start { return wire.Start{Source: "test://?size=320x240&fps=30"} }, "PATTERN", "test", false},
		{"mjpeg avi", file(mjpegIn("avi")), "FFMPEG", "mjpeg", true},
		{"mjpeg mkv", file(mjpegIn("mkv")), "FFMPEG", "mjpeg", true},
		{"mjpeg bare", file(mjpegIn("mjpeg")), "FFMPEG", "mjpeg", true},
		{"h264 mp4", decoded(testpeer.H264), "FFMPEG", "h264", false},
		{"h264 mkv", decoded(testpeer.Clip{Codec: "h264", Container: "mkv"}), "FFMPEG", "h264", false},
		{"http mjpeg", func(t *testing.T) wire.Start { return wire.Start{Source: testpeer.ServeHTTP(t, testpeer.MJPEG)} }, "FFMPEG", "mjpeg", true},
		{"rtsp mjpeg tcp", rtsp(testpeer.MJPEG, ""), "FFMPEG", "mjpeg", true},
		{"rtsp mjpeg udp", rtsp(testpeer.MJPEG, "udp"), "FFMPEG", "mjpeg", true},
		{"rtsp h264 tcp", rtsp(testpeer.H264, "tcp"), "FFMPEG", "h264", false},
		{"rtsp h264 udp", rtsp(testpeer.H264, "udp"), "FFMPEG", "h264", false},
		{"rtsp h265 tcp", rtsp(testpeer.H265, "tcp"), "FFMPEG", "hevc", false},
		{"rtsp h265 udp", rtsp(testpeer.H265, "udp"), "FFMPEG", "hevc", false},
		{"rtsp password apart", func(t *testing.T) wire.Start {
			s := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "viewer", Password: "p@ss:w/rd"})
			return wire.Start{Source: s.URL(), User: "viewer", Password: "p@ss:w/rd"}
		}, "FFMPEG", "h264", false},
		{"rtsp password in url", func(t *testing.T) wire.Start {
			s := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "viewer", Password: "p@ss:w/rd"})
			return wire.Start{Source: s.UserURL()}
		}, "FFMPEG", "h264", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			d := startCapture(t, c.start(t))
			d.send(wire.Demand{Wanted: true})
			o, _ := awaitMessage[wire.Opened](d)
			t.Logf("%+v after %v", o, time.Since(began).Round(time.Millisecond))
			want := wire.Opened{Backend: c.backend, Codec: c.codec, Width: 320, Height: 240, FPS: o.FPS, Passthrough: c.passthrough}
			if o != want {
				t.Errorf("got %+v, want %+v", o, want)
			}
			var last wire.Frame
			for range 10 {
				f, p := d.frame()
				if p.Width != 320 || p.Height != 240 {
					t.Fatalf("picture of %dx%d", p.Width, p.Height)
				}
				if f.Count <= last.Count || f.Captured <= last.Captured {
					t.Fatalf("%+v after %+v", f, last)
				}
				if (f.Encode == 0) != c.passthrough {
					t.Errorf("encoding took %v, passthrough %v", f.Encode, c.passthrough)
				}
				last = f
			}
			d.send(wire.Stop{})
			if e, _ := awaitMessage[wire.Ended](d); e.Reason != "" {
				t.Errorf("ended with %+v, want no reason", e)
			}
			if err := d.waitEnd(); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
}
