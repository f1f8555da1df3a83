package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/v4l2"
)

var update = flag.Bool("update", false, "write the golden files")

// checkGolden compares a text that users see with testdata/NAME.txt.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	testrun.CheckGolden(t, filepath.Join("testdata", name+".txt"), got, *update)
}

// transcript is a terminal session: command lines with what camd prints for them.
type transcript struct {
	t   *testing.T
	dir string // shown as DIR
	out strings.Builder
}

// placeholders replace what differs between two runs.
var placeholders = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`\$argon2id\$[^\s:]+`), "HASH"},
	{regexp.MustCompile(`link=[\w%.-]+`), "link=SIGNATURE"},
	{regexp.MustCompile(`Valid until .*\. "`), `Valid until TIME. "`},
	{regexp.MustCompile(`hash: sha256:[0-9a-f]+`), "hash: SHA256"},
	{regexp.MustCompile(`camd_[\w-]{43}`), "TOKEN"},
	{regexp.MustCompile(regexp.QuoteMeta(runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH)), "GO OS/ARCH"},
}

// camd adds a command to the transcript. dir in arguments and output is shown as DIR.
func (s *transcript) camd(args ...string) {
	s.t.Helper()
	var out bytes.Buffer
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "DIR", s.dir)
	}
	code := run(context.Background(), args, &out, &out)
	text := strings.ReplaceAll(out.String(), s.dir, "DIR")
	for _, p := range placeholders {
		text = p.pattern.ReplaceAllString(text, p.text)
	}
	fmt.Fprintf(&s.out, "$ %s\n%s", strings.ReplaceAll(strings.Join(append([]string{"camd"}, args...), " "), s.dir, "DIR"), text)
	if code != exitOK {
		fmt.Fprintf(&s.out, "[exit code %d]\n", code)
	}
	s.out.WriteString("\n")
}

func newTranscript(t *testing.T) *transcript {
	t.Helper()
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	return &transcript{t: t, dir: t.TempDir()}
}

// write makes a file of the transcript.
func (s *transcript) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestGoldenHelp(t *testing.T) {
	s := newTranscript(t)
	s.camd("--help")
	for _, c := range newRootCommand().Commands() {
		s.camd(c.Name(), "--help")
	}
	checkGolden(t, "help", s.out.String())
}

func TestGoldenCheck(t *testing.T) {
	s := newTranscript(t)
	s.write("good.yaml", "cameras: [{id: a, source: 'test://'}]\n")
	s.write("relay.yaml", "bus: {servers: ['nats://127.0.0.1']}\n")
	s.write("bad.yaml", "cameras:\n  - id: a\n    source: test://\n    titel: A\n")
	s.camd("check", "DIR/good.yaml")
	s.camd("check", "-c", "DIR/relay.yaml")
	s.camd("check", "DIR/bad.yaml")
	s.camd("check", "DIR/good.yaml", "-c", "DIR/bad.yaml")
	s.camd("check", "DIR/missing.yaml")
	checkGolden(t, "check", s.out.String())
}

// TestGoldenErrors has the answers to wrong command lines.
func TestGoldenErrors(t *testing.T) {
	s := newTranscript(t)
	s.write("camd.yaml", "cameras: [{id: yard, source: 'rtsp://10.0.0.7/'}, {id: hall, source: 'test://'}]\n")
	s.write("auth.yaml", "state_dir: state\nauth: {anonymous: view}\ncameras: [{id: yard, source: 'test://'}]\n")
	s.write("relay.yaml", "state_dir: state\nauth: {anonymous: view}\nbus: {servers: ['nats://127.0.0.1']}\n")
	for _, line := range []string{
		"serv", "rtsp://10.0.0.7/stream1", "nonsense", "check --nonsense", "check -c",
		"serve --log-level loud -c DIR/camd.yaml",
		"healthcheck --url http://127.0.0.1:1/healthz", "healthcheck --url :",
		"hash-password anna --role root", "hash-password --role admin", "hash-password an:na",
		"share yard -c DIR/camd.yaml", "share door -c DIR/auth.yaml", "share yard -c DIR/relay.yaml", "share yard -c DIR/auth.yaml",
		"share yard --for 31d -c DIR/auth.yaml", "share yard --for long -c DIR/auth.yaml",
		"rotate-links -c DIR/camd.yaml",
		"probe", "probe door -c DIR/camd.yaml", "probe yard --user u -c DIR/camd.yaml", "probe yard --timeout 0s -c DIR/camd.yaml",
		"probe hall --save-certificate x.pem -c DIR/camd.yaml",
		"probe test:// --size 640x480", "probe test:// --user u", "probe test:// --redirect-hosts h", "probe http://h/ --transport tcp",
		"probe test:// --ca-file x.pem", "probe /dev/video0 --fps -1", "probe /dev/video0 --format jpg", "probe rtsp://h/ --transport pigeon",
		"probe rtsps://h/ --fingerprint 00 --reader opencv", "probe test:// --reader go", "probe http+poll://h/ --reader opencv",
		"probe rtsp://h/ --reader ffmpeg", "probe https://h/ --ca-file x.pem --tls-verify=false",
	} {
		s.camd(strings.Fields(line)...)
	}
	checkGolden(t, "errors", s.out.String())
}

// TestGoldenSecrets has the commands that make passwords, tokens and links.
func TestGoldenSecrets(t *testing.T) {
	s := newTranscript(t)
	s.write("camd.yaml", "public_url: https://home.example\nstate_dir: state\nauth: {anonymous: view}\ncameras: [{id: yard, source: 'test://'}]\n")
	if err := os.Mkdir(filepath.Join(s.dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.camd("new-token")
	s.camd("rotate-links", "-c", "DIR/camd.yaml")
	s.camd("share", "yard", "-c", "DIR/camd.yaml")
	s.camd("version")
	checkGolden(t, "secrets", s.out.String())
}

// machineChecks are the checks of the doctor whose result depends on the machine of the test. Without a valid configuration, one of them is
// whether the default port is free.
var machineChecks = regexp.MustCompile(`(?m)^\S+ +(capture |opencv |device |usb |clock |kernel |limits |port +127.0.0.1:8080).*\n( {16}.*\n)*`)

func TestGoldenDoctor(t *testing.T) {
	s := newTranscript(t)
	s.write("good.yaml", "listen: 127.0.0.1:0\nstate_dir: state\ntls: {self_signed: true}\nauth: {anonymous: view}\ncameras: [{id: a, source: 'test://'}]\n")
	s.write("open.yaml", "listen: 0.0.0.0:0\nauth: {anonymous: admin}\ncameras: [{id: a, source: 'test://'}, {id: film, source: gone.mp4}]\n")
	s.write("bad.yaml", "listen: unix:/nowhere/camd.sock\ncameras:\n  - id: a\n    source: test://\n    titel: A\n")
	for _, name := range []string{"good", "open", "bad"} {
		s.camd("doctor", "-c", "DIR/"+name+".yaml")
	}
	s.camd("doctor", "--nonsense")
	text := machineChecks.ReplaceAllString(s.out.String(), "")
	text = regexp.MustCompile(`ok: \d+, warnings: \d+, failures: \d+`).ReplaceAllString(text, "ok: N, warnings: N, failures: N")
	text = regexp.MustCompile(`\[exit code 1\]\n`).ReplaceAllString(text, "") // the machine may have a problem
	checkGolden(t, "doctor", text)
}

func TestGoldenProbe(t *testing.T) {
	var out bytes.Buffer
	device := sourceurl.Source{Kind: sourceurl.Device, Path: "/dev/video0"}
	printReport(&out, device, source.ProbeReport{
		Format:   camera.Format{Backend: "V4L2", Codec: "mjpeg", Width: 1280, Height: 720, FPS: 30, Passthrough: true, Note: "1920x1080 was requested"},
		OpenTime: 420 * time.Millisecond, FirstFrame: 610 * time.Millisecond, Frames: 59, FPS: 29.6,
		Frame: broker.Frame{Format: media.NewJPEGFormat(1280, 720), Data: make([]byte, 81_500)},
	})
	out.WriteString("\n")
	rtsp, err := sourceurl.Parse("rtsp://10.0.0.7/stream1")
	if err != nil {
		t.Fatal(err)
	}
	printReport(&out, rtsp, source.ProbeReport{
		Format: camera.Format{Backend: "FFMPEG", Codec: "h264", Width: 1920, Height: 1080}, Frames: 1, Frame: broker.Frame{Format: media.NewJPEGFormat(1920, 1080)},
	})
	out.WriteString("\n")
	printReport(&out, rtsp, source.ProbeReport{
		Format: camera.Format{Backend: "RTSP", Codec: "h264", Passthrough: true, Width: 1920, Height: 1080}, Frames: 1, Frame: broker.Frame{Format: media.NewJPEGFormat(1920, 1080)},
	})
	checkGolden(t, "probe", out.String())
}

func TestGoldenCertificate(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	src, err := sourceurl.Parse(server.URL + "/stream.mjpg")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, verify := range []bool{true, false} {
		f := probeFlags{timeout: time.Minute, tlsVerify: verify}
		o := source.Options{Camera: options.Camera{Source: src}}
		if o.TLS, err = f.tlsOptions(src); err == nil {
			err = f.printCertificate(t.Context(), &out, o)
		}
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	text := regexp.MustCompile(`(?i)\b([0-9a-f]{2}:){31}[0-9a-f]{2}\b|\b[0-9a-f]{64}\b`).ReplaceAllString(out.String(), "SHA256")
	text = regexp.MustCompile(`(?m)^(certificate|names|expires)( +).*$`).ReplaceAllString(text, "${1}${2}...")
	checkGolden(t, "certificate", text)
}

func TestGoldenDevices(t *testing.T) {
	var out bytes.Buffer
	printDevices(&out, nil)
	out.WriteString("\n")
	printDevices(&out, []v4l2.Device{
		{
			Path: "/dev/video0", Card: "C920", Driver: "uvcvideo", Bus: "usb-0000:00:14.0-1", Stable: "/dev/v4l/by-id/usb-046d_C920-video-index0", Capture: true,
			Formats: []v4l2.Format{
				{FourCC: "MJPG", Description: "Motion-JPEG", Compressed: true, Sizes: []v4l2.Size{{Width: 1280, Height: 720, Rates: []float64{30, 15}}}},
				{FourCC: "YUYV", Description: "YUYV 4:2:2", Sizes: []v4l2.Size{{Width: 640, Height: 480, Range: &v4l2.Range{MinWidth: 160, MinHeight: 120}, Rates: []float64{30, 5}, Between: true}}},
			},
		},
		{Path: "/dev/video1", Card: "C920", Driver: "uvcvideo", Bus: "usb-0000:00:14.0-1", Role: "metadata"},
		{Path: "/dev/video2", Card: "Cam", Driver: "uvcvideo", Bus: "usb-0000:00:14.0-2", Capture: true, Problem: camera.Busy, Detail: "open by vlc", Remedy: "close vlc"},
	})
	checkGolden(t, "devices", out.String())
}
