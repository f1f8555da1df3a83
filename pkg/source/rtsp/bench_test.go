package rtsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/pion/rtp"
	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
)

// benchServer is the environment variable that makes the test's program the camera of BenchmarkCPU, in a process of its own.
const benchServer = "CAMD_TEST_BENCH_SERVER"

var benchClip = testpeer.Clip{Codec: "h264", Size: "1920x1080", FPS: 25, Length: 4 * time.Second, Encoder: "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000:keyint=50"}

// TestBenchServer is the camera of BenchmarkCPU. It writes its address and serves until its standard input ends.
func TestBenchServer(t *testing.T) {
	if os.Getenv(benchServer) == "" {
		t.Skip("runs for BenchmarkCPU only")
	}
	c := loadClip(t, benchClip)
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: func(conn *testpeer.RTSPConn) {
		frames := c.rtp(t, inSDP)
		sequence, stamp := uint16(0), uint32(0)
		tick := time.NewTicker(time.Second / 25)
		defer tick.Stop()
		for i := 0; ; i++ {
			<-tick.C
			for _, p := range frames[i%len(frames)] {
				p.SequenceNumber, p.Timestamp = sequence, stamp
				sequence++
				if conn.SendRTP(p) != nil {
					return
				}
			}
			stamp += 3600
		}
	}}
	fmt.Println(served.Serve(t))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// BenchmarkCPU measures the processor time of reading one camera, 1080p25 at 4 Mbit/s over TCP, beside a client of the library that
// discards the packets. Run it with -benchtime 1x. Each part takes 20 s.
func BenchmarkCPU(b *testing.B) {
	benchClip.Make(b)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestBenchServer$")
	cmd.Env = append(os.Environ(), benchServer+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	url := "rtsp://" + lines.Text() + "/cam"
	for name, run := range map[string]func(*testing.B, context.Context, string) int{"gortsplib": readBare, "camd": readFrames} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
				before := processorTime(b)
				n := run(b, ctx, url)
				b.ReportMetric((processorTime(b)-before).Seconds()/20, "core")
				b.ReportMetric(float64(n)/20, "per-s")
				cancel()
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func readFrames(b *testing.B, ctx context.Context, url string) (frames int) {
	b.Helper()
	o := (&recorder{}).options(url)
	o.OnFrame = func(*Frame) { frames++ }
	if err := Read(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		b.Fatal(err)
	}
	return frames
}

func readBare(b *testing.B, ctx context.Context, url string) (packets int) {
	b.Helper()
	u, err := base.ParseURL(url)
	if err != nil {
		b.Fatal(err)
	}
	tcp := gortsplib.ProtocolTCP
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &tcp}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	described, _, err := c.Describe(u)
	if err != nil {
		b.Fatal(err)
	}
	media := described.Medias[0]
	if err := c.SetupAll(described.BaseURL, []*description.Media{media}); err != nil {
		b.Fatal(err)
	}
	c.OnPacketRTP(media, media.Formats[0], func(*rtp.Packet) { packets++ })
	if _, err := c.Play(nil); err != nil {
		b.Fatal(err)
	}
	<-ctx.Done()
	return packets
}
