package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file holds cases of "## name", the configuration, "=>" and what camd says to it.
func TestMistakesAreReported(t *testing.T) {
	text, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var updated strings.Builder
	for _, c := range strings.Split(string(text), "## ")[1:] {
		name, rest, _ := strings.Cut(c, "\n")
		in, want, ok := strings.Cut(rest, "=>\n")
		if !ok {
			t.Fatalf("case %q has no =>", name)
		}
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("camd.yaml", []byte(in), env)
			if err == nil {
				t.Fatalf("got %+v, want mistakes", cfg)
			}
			got := strings.ReplaceAll(err.Error(), dir, "DIR")
			fmt.Fprintf(&updated, "## %s\n%s=>\n%s\n\n", name, in, got)
			if !*update && got != strings.TrimRight(want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Error("a password is in the message")
			}
		})
	}
	if *update {
		writeFile(t, "testdata/mistakes.txt", strings.TrimSuffix(updated.String(), "\n"))
	}
}

func TestFileThatIsNoTextIsRefused(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a\x00b", "camd.yaml:1:2: control character U+0000; remove it"},
		{"# \u00e9\nlisten: \xff\n", "camd.yaml:2:9: byte 0xff is not UTF-8; save the file as UTF-8"},
		{"\xff\xfel\x00", "camd.yaml:1:1: the file is UTF-16; save it as UTF-8"},
		{"listen: a\ufeffb\n", "camd.yaml:1:10: control character U+FEFF; remove it"},
		{strings.Repeat("#", 1<<20+1), "camd.yaml:1:1: the file is larger than 1 MiB; check whether it is a configuration"},
	} {
		_, err := Parse("camd.yaml", []byte(c.in), env)
		if err == nil || err.Error() != c.want {
			t.Errorf("%.20q: got %v, want %s", c.in, err, c.want)
		}
	}
}

func TestPasswordFileIsReadOrReported(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good": "hunter2\n", "bare": "hunter2", "windows": "hunter2\r\n", "spaces": " hunter2 \n",
		"empty": "", "newline": "\n", "lines": "hunter2\nhunter3\n", "large": strings.Repeat("hunter2", 1000),
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "open"), "hunter2")
	if err := os.Chmod(filepath.Join(dir, "open"), 0o602); err != nil {
		t.Fatal(err)
	}
	const place = "/camd.yaml:1:65: "
	for _, c := range []struct{ file, password, problem string }{
		{"good", "hunter2", ""},
		{"bare", "hunter2", ""},
		{"windows", "hunter2", ""},
		{"spaces", " hunter2 ", ""},
		{dir + "/good", "hunter2", ""},
		{"empty", "", "password_file: DIR/empty is empty; it must contain one line with the secret"},
		{"newline", "", "password_file: DIR/newline is empty; it must contain one line with the secret"},
		{"lines", "", "password_file: DIR/lines has more than one line or a control character in it; it must contain only one line with the secret"},
		{"large", "", "password_file: DIR/large is larger than 4 KiB; it must contain only one line with the secret"},
		{"folder", "", "password_file: DIR/folder is not a regular file"},
		{"open", "", "password_file: every user of this machine may change DIR/open; run chmod o-w DIR/open"},
		{"none", "", "password_file: no such file or directory, below DIR"},
		{"''", "", "password_file: must be the path of a file, is empty"},
	} {
		text := "cameras: [{id: a, source: rtsp://h/, user: u, password_file:    " + c.file + "}]"
		cfg, err := Parse(dir+"/camd.yaml", []byte(text), env)
		switch {
		case c.problem != "":
			if want := dir + place + strings.ReplaceAll(c.problem, "DIR", dir); err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", c.file, err, want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.file, err)
		case cfg.Cameras[0].Source.Password != c.password:
			t.Errorf("%s: got password %q, want %q", c.file, cfg.Cameras[0].Source.Password, c.password)
		}
	}
	want := dir + "/camd.yaml:1:20: users_file: every user of this machine may change " + dir + "/open; run chmod o-w " + dir + "/open"
	if _, err := Parse(dir+"/camd.yaml", []byte("auth: {users_file: open}\n"+oneCamera), env); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	both := "cameras: [{id: a, source: rtsp://h/, user: u, password_file: good, password: hunter2}]"
	want = dir + "/camd.yaml:1:68: password and password_file are both set; remove one"
	if _, err := Parse(dir+"/camd.yaml", []byte(both), env); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
