package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// A unix socket serves everything, has the configured mode, and is removed at the end.
func TestUnixSocketServesEverything(t *testing.T) {
	t.Parallel()
	curl := testpeer.RequireProgram(t, "curl", "curl")
	path := filepath.Join(t.TempDir(), "camd.sock")
	o := options{
		config: "listen: unix:" + path + "\nlimits: {viewers_per_address: 1}\nsocket_mode: 0600\n" + healthyCamera, args: []string{"--listen", "unix:" + path},
	}
	socket, heard := listenNotify(t)
	o.env = []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=1200000"}
	serving := func() *daemon {
		t.Helper()
		d := launch(t, o)
		t.Cleanup(d.close)
		eventually(t, "the socket", func() bool { return d.hasExited() || strings.Contains(d.stdout.String(), "dashboard at unix:"+path) })
		return d
	}
	ask := func(url string, args ...string) commandResult {
		return run(t, curl, append([]string{"-sS", "--unix-socket", path, "http://localhost" + url}, args...)...)
	}
	d := serving()
	if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info, err)
	}
	eventually(t, "the camera", func() bool { return strings.Contains(ask("/api/v1/cameras").stdout, `"live"`) })
	var streams []*exec.Cmd
	for range 2 { // viewers_per_address does not apply to a unix socket
		var body testrun.Output
		stream := exec.Command(curl, "-sSN", "--unix-socket", path, "http://localhost/cameras/healthy/stream.mjpg")
		stream.Stdout, stream.Stderr = &body, os.Stderr
		if err := stream.Start(); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
		eventually(t, "pictures", func() bool { return strings.Count(body.String(), "Content-Length") > 3 })
	}
	list := ask("/api/v1/viewers").stdout
	for _, stream := range streams {
		if who := fmt.Sprintf(`"address": "unix:%d"`, stream.Process.Pid); !strings.Contains(list, who) || !strings.Contains(list, `"transport": "http1"`) {
			t.Errorf("no %s in %s", who, list)
		}
	}
	checkNginx(t, path)
	if o := camd(t, "healthcheck", "-c", d.config); o.code != 0 {
		t.Errorf("healthcheck: %+v", o)
	}
	eventually(t, "the watchdog to be fed", func() bool { return slices.Contains(strings.Split(heard.String(), "\n"), "WATCHDOG=1") })
	if o := camd(t, "serve", "-c", d.config); o.code != 1 || !strings.Contains(o.stderr, "another program listens on this path") {
		t.Errorf("a second: %+v", o)
	}
	if code, _ := d.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, stream := range streams {
		if err := stream.Wait(); err != nil {
			t.Errorf("a stream's end: %v", err)
		}
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket was not removed: %v", err)
	}
	serving().killAndWait()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	serving().stop() // replaces the socket of the killed camd
	write(t, filepath.Dir(path), "camd.sock", "mine")
	if o := camd(t, "serve", "-c", d.config); o.code != 1 || !strings.Contains(o.stderr, "not a socket") || string(readFile(t, path)) != "mine" {
		t.Errorf("in a file's place: %+v", o)
	}
}

// checkNginx requests a page and a stream through nginx, if it is installed.
func checkNginx(t *testing.T, socket string) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Log("no nginx here; on Debian: apt-get install nginx-light")
		return
	}
	dir, port := t.TempDir(), testpeer.FreePort(t)
	config := write(t, dir, "nginx.conf", fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log stderr; user root;
events {}
http {
	access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
	server {
		listen 127.0.0.1:%[2]d;
		location / { proxy_pass http://unix:%[3]s; proxy_http_version 1.1; proxy_buffering off; }
	}
}`, dir, port, socket))
	proxy := exec.Command(nginx, "-c", config, "-p", dir)
	proxy.Stderr = os.Stderr
	proxy.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = proxy.Process.Signal(syscall.SIGTERM); _ = proxy.Wait() }()
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	eventually(t, "nginx", func() bool {
		answer, err := closingClient.Get(url + "/healthz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	watch(t, url+"/cameras/healthy/stream.mjpg")
}
