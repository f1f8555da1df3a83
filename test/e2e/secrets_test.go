package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/peer"
)

// What stands in the sources as a secret stands nowhere else.
func TestSecrets(t *testing.T) {
	const canary, token, path = "canary-pass/word%", "canary-token", "canary-in-path"
	signing := base64.StdEncoding.EncodeToString([]byte("canary, canary, canary, canary"))
	hidden := []string{"canary", signing[:8]} // all of them, however they are written
	rtsp := peer.ServeRTSP(t, peer.RTSP{Clip: h264Clip, User: "viewer", Password: canary})
	locked := peer.ServeRTSP(t, peer.RTSP{Clip: h264Clip, User: "viewer", Password: "another"})
	web := serve(t, wrongServer(parts(read(t, firstPicture(t, mjpegClip.Make(t), 1)), 10000)))
	dead := fmt.Sprintf("127.0.0.1:%d", peer.FreePort(t))
	inURL := strings.NewReplacer("/", "%2F", "%", "%25").Replace(canary)

	cameras := []struct{ id, source, more string }{
		{"good", rtsp.URL(), "user: viewer\n    password: " + canary},
		{"good-url", "rtsp://viewer:" + inURL + "@" + rtsp.Address + "/cam?token=" + token, ""},
		{"good-http", strings.Replace(web, "://", "://viewer:"+inURL+"@", 1) + "/half?token=" + token, ""},
		{"from-env", rtsp.URL(), "user: viewer\n    password: ${E2E_PASSWORD}"},
		{"wrong-password", "rtsp://viewer:" + inURL + "@" + locked.Address + "/cam?token=" + token, ""},
		{"refused", "rtsp://viewer:" + inURL + "@" + dead + "/cam?token=" + token, ""},
		{"refused-path", "rtsp://" + dead + "/user=admin&password=" + path + "&channel=1", ""},
		{"html", strings.Replace(web, "://", "://viewer:"+inURL+"@", 1) + "/page?token=" + token, ""},
		{"gone", web + "/gone?token=" + token, ""},
	}
	config := "cameras:\n"
	for _, c := range cameras {
		config += fmt.Sprintf("  - id: %s\n    source: %q\n    %s\n", c.id, c.source, c.more)
	}
	// Receivers that are told, are not there, and refuse.
	broker := peer.ServeMQTT(t, "camd", canary, "")
	told := t.TempDir()
	write(t, told, "broker", canary)
	write(t, told, "hook", "whsec_"+signing)
	config += "webhooks:\n"
	for _, url := range []string{web + "/gone", "http://" + dead + "/canary"} {
		config += fmt.Sprintf("  - {url: '%s?token=%s', secret_file: %s/hook, after: 0s}\n", url, token, told)
	}
	config += fmt.Sprintf("mqtt: {url: 'mqtt://%s', user: camd, password_file: %s/broker}\n", broker.Address, told)
	// camd's own environment has one, since it is given there; its capture processes' has none.
	d := start(t, options{config: config, env: []string{"E2E_PASSWORD=" + canary}, args: []string{"--log-level", "debug"}})
	seen := map[string]string{}
	for _, id := range []string{"good", "good-http", "from-env"} {
		s := d.reaches(id, "live")
		for _, file := range []string{"cmdline", "environ"} {
			seen[id+"'s "+file] = proc(t, s.Worker.PID, file)
		}
	}
	for _, id := range []string{"wrong-password", "refused", "refused-path", "html", "gone"} {
		d.reaches(id, "offline")
	}
	d.awaits("good-url", "tried", func(s state) bool { return s.State == "live" || s.State == "offline" })
	eventually(t, "the receivers to be tried", func() bool {
		log := d.stderr.String()
		return strings.Contains(log, `"receiver fails"`) && strings.Contains(log, `"notice not delivered"`) && strings.Contains(log, `"mqtt connected"`)
	})
	for topic, payload := range broker.Retained() {
		seen["topic "+topic] = string(payload)
	}
	for _, c := range cameras {
		if _, err := watch(t, d.URL+"/cameras/"+c.id+"/stream.mjpg").read(); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"/", "/metrics", "/api/v1/cameras", "/api/v1/cameras/good-url", "/state", "/readyz"} {
		_, header, body := get(t, d.URL+path)
		seen[path] = fmt.Sprint(header) + string(body)
	}
	for _, c := range cameras {
		_, header, _ := get(t, d.URL+"/cameras/"+c.id+"/snapshot.jpg?max_age=1h")
		seen["snapshot of "+c.id] = fmt.Sprint(header)
	}
	seen["camd's command line"] = proc(t, d.cmd.Process.Pid, "cmdline")
	b := openBrowser(t, 800, 600)
	seen["dashboard"] = b.dashboard(d)

	d.stop()
	seen["stdout"], seen["stderr"] = d.stdout.String(), d.stderr.String()
	if !strings.Contains(seen["stderr"], `"capture output"`) || !strings.Contains(seen["stderr"], `"request"`) {
		t.Error("the log is not at debug level, or FFmpeg had nothing to say")
	}

	dir := t.TempDir()
	probe := camd(t, "probe", cameras[4].source, "--log-level", "debug", "--timeout", "5s")
	seen["probe"] = probe.stdout + probe.stderr
	bad := camd(t, "check", "-c", write(t, dir, "camd.yaml", strings.Replace(config, "    \nwebhooks", "    qualty: 3\n    user: "+canary+"\nwebhooks", 1)+
		"site:\n  "+canary+": 1\npublic_url: https://"+canary+"@h/\n"))
	seen["check"] = bad.stdout + bad.stderr
	if probe.code != 1 || bad.code != 2 {
		t.Errorf("exit codes %d and %d", probe.code, bad.code)
	}
	for where, text := range seen {
		for _, secret := range hidden {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s: %q is in …%s…", where, secret, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// proc reads a file of a process that runs.
func proc(t *testing.T, pid int, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", itoa(pid), file))
	if err != nil || len(b) == 0 {
		t.Errorf("process %d: %d bytes, %v", pid, len(b), err)
	}
	return strings.ReplaceAll(string(b), "\x00", " ")
}
