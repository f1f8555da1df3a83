package e2e

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testrun"
)

// Every command has its exit code, its result on stdout and its errors on stderr.
func TestCommandsHaveExitCodesAndOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := write(t, dir, "good.yaml", "cameras:\n  - id: a\n    source: test://\n")
	bad := write(t, dir, "bad.yaml", "listen: 127.0.0.1:0\ncameras:\n  - id: a\n    source: test://\n    qualty: 80\n  - id: A B\n")
	empty := write(t, dir, "empty.yaml", "")
	exposed := write(t, dir, "exposed.yaml", "listen: 0.0.0.0:0\ncameras: [{id: a, source: 'test://'}]\n")
	write(t, dir, "users", "anna:hunter22\n")
	plain := write(t, dir, "plain.yaml", "auth: {users_file: users}\n")
	guarded := write(t, dir, "guarded.yaml", "state_dir: state\nauth: {anonymous: view}\ncameras:\n  - id: a\n    source: test://\n")
	relaying := write(t, dir, "relaying.yaml", "state_dir: state\nauth: {anonymous: view}\nbus: {servers: ['nats://h']}\n")
	const typo = `bad.yaml:5:5: unknown key "qualty", did you mean "quality"?`
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"version"}, 0, "camd ", ""},
		{[]string{"schema"}, 0, `"$schema": "https://json-schema.org/draft/2020-12/schema"`, ""},
		{[]string{"check", "-c", good}, 0, "no mistakes, cameras: 1", ""},
		{[]string{"check", "-c", bad}, 2, "", typo},
		{[]string{"check", good}, 0, "good.yaml: no mistakes, cameras: 1", ""},
		{[]string{"check", bad}, 2, "", typo},
		{[]string{"check", good, "-c", bad}, 2, "", "give the file only once, as FILE or with -c"},
		{[]string{"check", "-c", empty}, 2, "", "empty.yaml:1:1: the file is empty; add a camera, such as "},
		{[]string{"serve", "-c", empty}, 2, "", "empty.yaml:1:1: the file is empty; add a camera, such as "},
		{[]string{"check", "-c", bad}, 2, "", "bad.yaml:6:5: cameras: this entry has no source"},
		{[]string{"check", "-c", bad}, 2, "", `such as "a-b"`},
		{[]string{"serve", "-c", bad}, 2, "", typo},
		{[]string{"healthcheck", "-c", bad}, 2, "", typo},
		{[]string{"check", "-c", filepath.Join(dir, "none.yaml")}, 2, "", "no such file"},
		{[]string{"serve", "-c", filepath.Join(dir, "none.yaml")}, 2, "", "no such file"},
		{[]string{"serve", "--listen", "nonsense"}, 2, "", "--listen: must be HOST:PORT"},
		{[]string{"serve", "--log-level", "loud", "--listen", "127.0.0.1:0"}, 2, "", "debug, info, warn or error"},
		{[]string{"serve", "--listen", "0.0.0.0:0", "-c", good}, 2, "", "--listen 0.0.0.0:0 can be reached from other machines, and the configuration has no auth"},
		{[]string{"serve", "-c", exposed}, 2, "", "exposed.yaml:1:9: listen: 0.0.0.0:0 can be reached from other machines"},
		{[]string{"check", "-c", exposed}, 2, "", `or give everybody access with "auth: {anonymous: view}" or --anonymous view`},
		{[]string{"serve", "--anonymous", "root"}, 2, "", "--anonymous: the role must be view, control, admin or metrics"},
		{[]string{"check", "-c", plain}, 2, "", "users:1:6: must be an argon2id or bcrypt hash"},
		{[]string{"hash-password", "an na"}, 2, "", "a name must be 1 to 64 characters"},
		{[]string{"hash-password", "anna", "--role", "root"}, 2, "", "--role: the role must be"},
		{[]string{"hash-password", "anna", "--cameras", "["}, 2, "", "--cameras: must be a camera's id"},
		{[]string{"hash-password", "--role", "admin"}, 2, "", "--role and --cameras need the name of the user"},
		{[]string{"hash-password", "anna", "a password"}, 2, "", "accepts at most 1 arg"},
		{[]string{"hash-password", "anna"}, 1, "", "the password must have 8 to 1024 characters, it has 0"},
		{[]string{"share", "a", "-c", good}, 2, "", "the configuration has no section auth"},
		{[]string{"share", "b", "-c", guarded}, 2, "", `no camera "b"; the cameras are: a`},
		{[]string{"share", "a", "-c", guarded, "--for", "721h"}, 2, "", "--for: must be from 1s to 30d"},
		{[]string{"share", "a", "-c", guarded, "--for", "31d"}, 2, "", "--for: must be from 1s to 30d"},
		{[]string{"share", "a", "-c", guarded, "--for", "8w"}, 2, "", "must be a duration such as 30m, 2h or 7d"},
		{[]string{"share", "a", "-c", guarded}, 1, "", "camd makes the key when it starts with the section auth"},
		{[]string{"share", "yard", "-c", relaying}, 2, "", `no camera "yard"; cameras of a relay have ids such as north.yard`},
		{[]string{"share", "north.yard", "-c", relaying}, 1, "", "camd makes the key when it starts with the section auth"},
		{[]string{"rotate-links", "-c", good}, 2, "", "the configuration has no section auth"},
		{[]string{"check", "-c", "../../deploy/camd.example.yaml"}, 0, "no mistakes, cameras: 6", ""},
		{[]string{"devices"}, 0, "", ""},
		{[]string{"devices", "--json"}, 0, "", ""},
		{[]string{"completion", "bash"}, 0, "bash completion", ""},
		{[]string{"completion", "fish"}, 0, "fish completion", ""},
		{[]string{"serv"}, 2, "", `did you mean "serve"?`},
		{[]string{"check", "-c"}, 2, "", "--help"},
		{[]string{"probe"}, 2, "", "--help"},
		{[]string{"probe", "--size", "big", "test://"}, 2, "", "WIDTHxHEIGHT"},
		{[]string{"probe", "--transport", "pigeon", "rtsp://127.0.0.1/a"}, 2, "", "must be tcp or udp"},
		{[]string{"probe", "a", "-c", good, "--measure", "100ms"}, 0, "test://?size=1280x720&fps=30", ""},
		{[]string{"probe", "b", "-c", good}, 2, "", `no camera "b" in ` + good + "; its cameras are: a"},
		{[]string{"probe", "a", "-c", bad}, 2, "", typo},
		{[]string{"probe", "a", "-c", good, "--user", "u"}, 2, "", "--user: the configuration sets this for a camera"},
		{[]string{"probe", "gopher://a"}, 2, "", "unknown kind of source"},
		{[]string{"probe", "/dev/video99"}, 1, "", "/dev/video99 does not exist"},
		{[]string{"healthcheck", "--listen", "nonsense"}, 2, "", "--listen: must be HOST:PORT"},
		{[]string{"healthcheck", "--url", "http://127.0.0.1:1/healthz"}, 1, "", "connection refused"},
	} {
		t.Run(strings.ReplaceAll(strings.Join(c.args, " "), dir+"/", ""), func(t *testing.T) {
			o := camd(t, c.args...)
			if o.code != c.code {
				t.Errorf("exit code %d, want %d", o.code, c.code)
			}
			if !strings.Contains(o.stdout, c.stdout) || !strings.Contains(o.stderr, c.stderr) {
				t.Errorf("stdout %q, stderr %q; want %q and %q in them", o.stdout, o.stderr, c.stdout, c.stderr)
			}
			if c.code == 0 && o.stderr != "" || c.code != 0 && o.stdout != "" {
				t.Errorf("stdout %q, stderr %q with exit code %d", o.stdout, o.stderr, o.code)
			}
		})
	}
}

func TestHelpHasUsageAndExitCodes(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "serve", "check", "devices", "probe", "healthcheck", "version", "hash-password", "share", "rotate-links", "schema"} {
		o := camd(t, append(strings.Fields(command), "--help")...)
		if o.code != 0 || !strings.Contains(o.stdout, "Usage:") || o.stderr != "" {
			t.Errorf("camd %s --help: %+v", command, o)
		}
		if command != "version" && !strings.Contains(o.stdout, "Exit codes: 0 ") {
			t.Errorf("camd %s --help has no exit codes:\n%s", command, o.stdout)
		}
	}
	for args, code := range map[string]int{"--help": 0, "--version": 0, "--nonsense": 2} {
		if o := run(t, testrun.Program(t, "camd-capture"), args); o.code != code || !strings.Contains(o.stdout+o.stderr, "camd-capture") {
			t.Errorf("camd-capture %s: %+v", args, o)
		}
	}
}

func TestProbePrintsFormatAndRate(t *testing.T) {
	t.Parallel()
	snapshot := filepath.Join(t.TempDir(), "now.jpg")
	for _, c := range []struct {
		source string
		want   []string
	}{
		{"test://?size=640x360&fps=20", []string{"PATTERN", "640x360", "decoded and encoded once", "declared rate", "20 fps", "first picture after"}},
		{h264Clip.Make(t), []string{"FFMPEG", "h264", "320x176", "passed through unchanged as video", "30 fps"}},
		{mjpegClip.Make(t), []string{"FFMPEG", "mjpeg", "320x176", "passed through unchanged"}},
	} {
		o := camd(t, "probe", c.source, "--snapshot", snapshot, "--measure", "300ms")
		if o.code != 0 {
			t.Errorf("%s: %+v", c.source, o)
		}
		for _, want := range append(c.want, "measured rate", "snapshot written to "+snapshot) {
			if !strings.Contains(o.stdout, want) {
				t.Errorf("%s: %q is not in\n%s", c.source, want, o.stdout)
			}
		}
		b, err := os.ReadFile(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
			t.Errorf("%s: snapshot: %v", c.source, err)
		}
		if err := os.Remove(snapshot); err != nil {
			t.Fatal(err)
		}
	}
	if o := camd(t, "probe", "test://", "--measure", "1ms", "--snapshot", "/nowhere/now.jpg"); o.code != 1 || !strings.Contains(o.stderr, "write snapshot /nowhere/now.jpg") {
		t.Errorf("%+v", o)
	}
}
