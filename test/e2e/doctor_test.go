package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/access"
)

// finding is a finding of camd doctor --json.
type finding struct{ Verdict, Check, Text, Remedy string }

// runDoctor runs a camd doctor, and returns what it found and its exit code.
func runDoctor(t *testing.T, cmd *exec.Cmd) ([]finding, int) {
	t.Helper()
	o := runCommand(t, cmd)
	var all struct {
		Findings []finding
		Failed   bool
	}
	if err := json.Unmarshal([]byte(o.stdout), &all); err != nil || o.stderr != "" || all.Failed != (o.code == 1) {
		t.Fatalf("%d: %v\n%s%s", o.code, err, o.stdout, o.stderr)
	}
	return all.Findings, o.code
}

// findFinding returns the finding of a check whose text begins with text.
func findFinding(all []finding, check, text string) (finding, bool) {
	for _, f := range all {
		if f.Check == check && strings.HasPrefix(f.Text, text) {
			return f, true
		}
	}
	return finding{}, false
}

func TestDoctorReportsNoProblem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := testpeer.Certificate{}.Make(t)
	config := write(t, dir, "camd.yaml", fmt.Sprintf("listen: 127.0.0.1:0\nstate_dir: %s/new/state\ntls: {certificate: %s, key: %s}\n%s", dir, i.File, i.Key, healthyCamera))
	all, code := runDoctor(t, exec.Command(testrun.Program(t, "camd"), "doctor", "--json", "-c", config))
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for check, text := range map[string]string{
		"config": config + ": no mistakes, cameras: 1", "capture": testrun.Program(t, "camd-capture") + ": camd-capture ", "opencv": "OpenCV 4.",
		"port": "127.0.0.1:0 is free", "tls": "certificate and key match", "state": "camd can write to " + dir + "/new/state", "limits": "",
		"device": "", "kernel": "TCP_NOTSENT_LOWAT",
	} {
		if f, ok := findFinding(all, check, text); !ok || f.Verdict != "ok" {
			t.Errorf("%s %q: %+v", check, text, all)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the doctor created a directory")
	}
	plain := camd(t, "doctor", "-c", config)
	if lines := strings.Split(plain.stdout, "\n"); plain.code != 0 || !strings.HasPrefix(lines[0], "ok    config   "+config) || strings.Contains(plain.stdout, "\x1b") {
		t.Errorf("without --json: %d\n%s", plain.code, plain.stdout)
	}
}

func TestDoctorReportsProblems(t *testing.T) {
	requireNotInstalled(t)
	t.Parallel()
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	alone := filepath.Join(dir, "alone") // a camd without camd-capture
	b, err := os.ReadFile(testrun.Program(t, "camd"))
	if err == nil {
		err = os.WriteFile(alone, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	old := testpeer.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}.Make(t)
	note := write(t, dir, "note", "")
	for name, c := range map[string]struct {
		config, shell string // a configuration; a script that starts the doctor, if not empty
		code          int
		want          finding // Text and Remedy are parts of it
	}{
		"mistakes":  {"listen: nowhere\ncameras: [{id: a, source: 'test://'}, {id: a, source: 'test://'}]\n", "", 1, finding{"FAIL", "config", "camd.yaml:1:9: listen", ""}},
		"systemd's": {"cameras: [{id: a, source: 'rtsp://viewer@192.0.2.1/', password_file: '${CREDENTIALS_DIRECTORY}/x'}]\n", "", 1, finding{"FAIL", "config", "CREDENTIALS_DIRECTORY", "CREDENTIALS_DIRECTORY=/etc/camd camd doctor"}},
		"port":      {"listen: " + taken.Addr().String() + "\n" + healthyCamera, "", 1, finding{"FAIL", "port", "in use by another program", "ss -ltnp"}},
		"address":   {"listen: 192.0.2.1:8080\nauth: {anonymous: view}\n" + healthyCamera, "", 1, finding{"FAIL", "port", "no such address", "ip addr"}},
		"exposed":   {"listen: 0.0.0.0:0\n" + healthyCamera, "", 1, finding{"FAIL", "config", "camd.yaml:1:9: listen: 0.0.0.0:0 can be reached from other machines", ""}},
		"open":      {"listen: 0.0.0.0:0\nauth: {anonymous: view}\n" + healthyCamera, "", 0, finding{"warn", "tls", "pictures go over the network unencrypted", "tls:"}},
		"passwords": {"listen: 0.0.0.0:0\nauth: {users: {anna: {hash: '" + access.HashPassword("hunter2") + "'}}}\n" + healthyCamera, "", 0, finding{"warn", "tls", "pictures and passwords", "tls:"}},
		"all may":   {"listen: 0.0.0.0:0\nauth: {anonymous: admin}\n" + healthyCamera, "", 0, finding{"warn", "access", "can do everything", "camd hash-password"}},
		"some may":  {"listen: 127.0.0.1:0\nauth: {anonymous: view}\n" + healthyCamera, "", 0, finding{"ok", "access", "users: 0, tokens: 0; everyone else can see pictures", ""}},
		"no folder": {"listen: 127.0.0.1:0\ntls: {self_signed: true}\n" + healthyCamera, "", 1, finding{"FAIL", "tls", "there is no directory for the certificate", "state_dir: state"}},
		"expired":   {fmt.Sprintf("tls: {certificate: %s, key: %s}\nlisten: 127.0.0.1:0\n%s", old.File, old.Key, healthyCamera), "", 0, finding{"warn", "tls", "expired", ""}},
		"device":    {"listen: 127.0.0.1:0\ncameras: [{id: a, source: /dev/camd-none}]\n", "", 1, finding{"FAIL", "device", "/dev/camd-none does not exist", "plug it in"}},
		"file":      {"listen: 127.0.0.1:0\ncameras: [{id: a, source: gone.mp4}]\n", "", 1, finding{"FAIL", "file", "gone.mp4 does not exist", ""}},
		"state":     {"listen: 127.0.0.1:0\nstate_dir: " + note + "/x\n" + healthyCamera, "", 1, finding{"FAIL", "state", note, ""}},
		"limits":    {"listen: 127.0.0.1:0\nlimits: {viewers: 5000}\n" + healthyCamera, "ulimit -n 1000; exec \"$0\" \"$@\"", 0, finding{"warn", "limits", "1000 files may be open, but the 6500 connections of limits: need 6604", "LimitNOFILE=6604"}},
		"worker":    {"listen: 127.0.0.1:0\n" + healthyCamera, "PATH=/nowhere exec " + alone + " \"$@\"", 1, finding{"FAIL", "capture", "camd-capture not found", "install"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"doctor", "--json", "-c", write(t, t.TempDir(), "camd.yaml", c.config)}
			cmd := exec.Command(testrun.Program(t, "camd"), args...)
			if c.shell != "" {
				cmd = exec.Command("/bin/sh", append([]string{"-c", c.shell, testrun.Program(t, "camd")}, args...)...)
			}
			all, code := runDoctor(t, cmd)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, f := range all {
				if f.Verdict == c.want.Verdict && f.Check == c.want.Check && strings.Contains(f.Text, c.want.Text) && strings.Contains(f.Remedy, c.want.Remedy) {
					return
				}
			}
			t.Errorf("want %+v among %+v", c.want, all)
		})
	}
}

// The doctor knows that a running camd has its own port. It reports all mistakes of a file, and no secret.
func TestDoctorWorksBesideRunningDaemon(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera})
	config := write(t, t.TempDir(), "camd.yaml", "listen: "+strings.TrimPrefix(d.URL, "http://")+"\n"+healthyCamera)
	all, code := runDoctor(t, exec.Command(testrun.Program(t, "camd"), "doctor", "--json", "-c", config))
	if f, ok := findFinding(all, "port", strings.TrimPrefix(d.URL, "http://")+": in use by camd"); code != 0 || !ok || f.Verdict != "ok" {
		t.Errorf("%d: %+v", code, all)
	}
	o := camd(t, "doctor", "-c", write(t, t.TempDir(), "camd.yaml", "nonsense: 1\ncameras: [{id: A, source: 'rtsp://viewer:s3cret-word@192.0.2.1/x', fps: -1}]\n"))
	if o.code != 1 || strings.Count(o.stdout, "FAIL  config") < 3 || strings.Contains(o.stdout+o.stderr, "s3cret-word") {
		t.Errorf("%d:\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// With --network, and only then, each network camera is opened, with the login and the options of the configuration.
func TestDoctorProbesNetworkCameras(t *testing.T) {
	t.Parallel()
	rtsp := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip, User: "viewer", Password: "s3cret-word"})
	config := write(t, t.TempDir(), "camd.yaml", fmt.Sprintf(`listen: 127.0.0.1:0
cameras:
  - {id: good, source: '%[1]s', user: viewer, password: s3cret-word, open_timeout: 2m}
  - {id: login, source: '%[1]s', user: viewer, password: s3cret-wrong}
  - {id: path, source: 'rtsp://%[2]s/none', user: viewer, password: s3cret-word}
  - {id: gone, source: 'http://127.0.0.1:%[3]d/'}
  - {id: off, source: '%[1]s', paused: true}
  - {id: pattern, source: 'test://'}
`, rtsp.URL(), rtsp.Address, testpeer.FreePort(t)))
	plain, code := runDoctor(t, exec.Command(testrun.Program(t, "camd"), "doctor", "--json", "-c", config))
	if f, found := findFinding(plain, "camera", ""); found || code != 0 {
		t.Errorf("without --network: %d, %+v", code, f)
	}
	all, code := runDoctor(t, exec.Command(testrun.Program(t, "camd"), "doctor", "--json", "--network", "-c", config))
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []finding{
		{"ok", "camera", "camera good: delivers h264, 320x176, ", ""},
		{"FAIL", "camera", "camera login: rtsp://viewer@" + rtsp.Address, "try the values of user: and password_file:"},
		{"FAIL", "camera", "camera path: rtsp://viewer@" + rtsp.Address + "/none", "correct the path in source:"},
		{"FAIL", "camera", "camera gone: http://127.0.0.1:", "check the camera's power"},
		{"ok", "camera", "camera off: not probed", ""},
	} {
		if f, found := findFinding(all, want.Check, want.Text); !found || f.Verdict != want.Verdict || !strings.HasPrefix(f.Remedy, want.Remedy) {
			t.Errorf("want %+v among %+v", want, all)
		}
	}
	if _, found := findFinding(all, "camera", "camera pattern"); found || strings.Contains(fmt.Sprint(all), "s3cret") {
		t.Errorf("%+v", all)
	}
}
