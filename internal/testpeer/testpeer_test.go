package testpeer

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"camd/internal/testrun"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ffprobe returns the format that ffprobe finds at an address.
func ffprobe(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
	defer cancel()
	args = append([]string{"-v", "error", "-select_streams", "v", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0"}, args...)
	out, err := exec.CommandContext(ctx, RequireProgram(t, "ffprobe", "ffmpeg"), args...).CombinedOutput()
	if err != nil {
		return strings.TrimSpace(string(out)) + ": " + err.Error()
	}
	return strings.TrimSpace(string(out))
}

func TestClipsHaveRequestedCodecAndSize(t *testing.T) {
	for _, c := range []struct {
		clip Clip
		want string
	}{
		{H264, "h264,320"},
		{MJPEG, "mjpeg,320"},
		{Clip{Codec: "mjpeg", Container: "mkv", Size: "64x48", FPS: 5, Length: time.Second}, "mjpeg,64"},
		{Clip{Codec: "mjpeg", Container: "mjpeg", Length: time.Second}, "mjpeg,320"},
	} {
		if got := ffprobe(t, c.clip.Make(t)); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.clip, got, c.want)
		}
	}
}

func TestServeHTTPServesOneClientAfterAnother(t *testing.T) {
	url := ServeHTTP(t, MJPEG)
	for range 2 { // the server accepts a second client after the first
		var r *http.Response
		testrun.WaitFor(t, "an answer", func() (ok bool) {
			var err error
			r, err = http.Get(url)
			return err == nil
		})
		r.Body.Close()
		if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "multipart/x-mixed-replace") {
			t.Errorf("content type %q", got)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestServeRTSPServesOverTCPAndUDPWithPassword(t *testing.T) {
	for _, clip := range []Clip{H264, MJPEG} {
		t.Run(clip.Codec, func(t *testing.T) {
			s := ServeRTSP(t, RTSP{Clip: clip, User: "viewer", Password: "se:cret"})
			for _, transport := range []string{"tcp", "udp"} {
				// The result is at the end of the output: before it, ffprobe may warn about an incomplete first picture.
				if got, want := ffprobe(t, "-rtsp_transport", transport, s.UserURL()), clip.Codec+",320"; !strings.HasSuffix(got, want) {
					t.Errorf("%s: got %q, want %q", transport, got, want)
				}
			}
			if got := ffprobe(t, s.URL()); !strings.Contains(got, "401") {
				t.Errorf("without password: got %q, want 401", got)
			}
			if got := ffprobe(t, strings.Replace(s.UserURL(), "/cam", "/other", 1)); !strings.Contains(got, "404") {
				t.Errorf("another path: got %q, want 404", got)
			}
			s.Stop()
			s.Start()
			if got, want := ffprobe(t, s.UserURL()), clip.Codec+",320"; !strings.HasSuffix(got, want) {
				t.Errorf("started again: got %q, want %q", got, want)
			}
		})
	}
}

// With the race detector this also shows that the requests of several readers do not touch the same memory.
func TestServeRTSPServesReadersThatSetUpAtTheSameTime(t *testing.T) {
	s := ServeRTSP(t, RTSP{Clip: H264, User: "viewer", Password: "secret"})
	address, err := base.ParseURL(s.UserURL())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		var described, done sync.WaitGroup
		setUp := make(chan struct{})
		for i := range 8 {
			protocol := []gortsplib.Protocol{gortsplib.ProtocolTCP, gortsplib.ProtocolUDP}[i%2]
			reader := &gortsplib.Client{Scheme: address.Scheme, Host: address.Host, Protocol: &protocol}
			if err := reader.Start(); err != nil {
				t.Fatal(err)
			}
			described.Add(1)
			done.Go(func() {
				defer reader.Close()
				d, _, err := reader.Describe(address)
				described.Done()
				<-setUp
				if err == nil {
					err = reader.SetupAll(d.BaseURL, d.Medias)
				}
				if err == nil {
					err = play(reader)
				}
				if err != nil {
					t.Errorf("%s: %v", protocol, err)
				}
			})
		}
		described.Wait()
		close(setUp)
		done.Wait()
	}
}

// play waits for the first packet.
func play(reader *gortsplib.Client) error {
	arrived := make(chan struct{}, 1)
	reader.OnPacketRTPAny(func(*description.Media, format.Format, *rtp.Packet) {
		select {
		case arrived <- struct{}{}:
		default:
		}
	})
	if _, err := reader.Play(nil); err != nil {
		return err
	}
	select {
	case <-arrived:
		return nil
	case <-time.After(testrun.Deadline):
		return errors.New("no packet")
	}
}
