package e2e

import (
	"bytes"
	"image"
	_ "image/png" // as which programs keep what they saw
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/source/framenumber"
)

// Each player shows complete pictures in order.
func TestPlayersShowWholePicturesInOrder(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: a, source: 'test://?size=640x352&fps=20'}\n"})
	d.waitForState("a", "live")
	streams := []string{"/cameras/a/stream.mjpg", "/?action=stream&1700000000", "/stream"}
	for _, path := range streams {
		t.Run("VLC"+path, func(t *testing.T) {
			t.Parallel()
			checkVLC(t, d.URL+path)
		})
		t.Run("OpenCV"+path, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := run(t, pythonWithModule(t, "cv2", "python3-opencv"), "testdata/opencv.py", d.URL+path, dir, "30")
			if o.code != 0 {
				t.Fatalf("%+v", o)
			}
			checkIncreasing(t, frameNumbers(t, sortedGlob(dir, "*.png")), 25)
		})
	}
	for path, snapshot := range map[string]string{streams[0]: "/cameras/a/snapshot.jpg", streams[1]: "/?action=snapshot", streams[2]: "/snapshot"} {
		t.Run("Home Assistant"+path, func(t *testing.T) {
			t.Parallel()
			checkHomeAssistant(t, d.URL+path, d.URL+snapshot)
		})
		t.Run("OctoPrint"+snapshot, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := run(t, pythonWithModule(t, "requests", "python3-requests"), "testdata/octoprint.py", d.URL+snapshot, dir, "10", "0.1")
			if o.code != 0 {
				t.Fatalf("%+v", o)
			}
			taken := sortedGlob(dir, "*.jpg")
			if checkIncreasing(t, frameNumbers(t, taken), 2); len(taken) != 10 { // in a second, of which the camera takes 20
				t.Errorf("%d pictures, want 10", len(taken))
			}
		})
	}
	t.Run("OctoPrint's page", func(t *testing.T) {
		t.Parallel()
		checkOctoPrintPage(t, d.URL+"/?action=stream")
	})
}

// pythonWithModule returns Debian's Python if it has a module.
func pythonWithModule(t *testing.T, module, debianPackage string) string {
	t.Helper()
	const path = "/usr/bin/python3" // Debian's modules are not there for any other
	if exec.Command(path, "-c", "import "+module).Run() != nil {
		return testpeer.RequireProgram(t, "python3 with "+module, debianPackage)
	}
	return path
}

// checkVLC has VLC write every picture that it shows into a file, and looks at them.
func checkVLC(t *testing.T, url string) {
	dir, err := os.MkdirTemp("", "camd-vlc-") // not t.TempDir, which is its owner's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var user *syscall.Credential
	if os.Getuid() == 0 { // VLC does not run as root
		user = &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
		if err := os.Chown(dir, nobodyID, nobodyID); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(testpeer.RequireProgram(t, "cvlc", "vlc-bin"), "-I", "dummy", "--no-audio", "--vout", "dummy", "--video-filter", "scene",
		"--scene-format", "png", "--scene-ratio", "1", "--scene-prefix", "scene", "--scene-path", dir, url)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	startBackground(t, cmd)
	var scenes []string
	eventually(t, "VLC's pictures", func() bool {
		scenes = sortedGlob(dir, "scene*.png")
		return len(scenes) > 60
	})
	checkIncreasing(t, frameNumbers(t, scenes[:60]), 20) // the last may be half written; it repeats pictures at its own rate
}

// sortedGlob returns files in the order of their names.
func sortedGlob(dir, pattern string) []string {
	list, _ := filepath.Glob(filepath.Join(dir, pattern))
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(a, b) })
	return list
}

// frameNumbers returns the frame numbers in files of pictures.
func frameNumbers(t *testing.T, paths []string) (all []uint32) {
	t.Helper()
	for _, path := range paths {
		img, _, err := image.Decode(bytes.NewReader(readFile(t, path)))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		n, ok := framenumber.Decode(img)
		if !ok {
			t.Fatalf("%s: %v and no frame number", path, img.Bounds())
		}
		all = append(all, n)
	}
	return all
}

// checkIncreasing checks that there are so many different pictures, and that they come in their order. One may be shown for long.
func checkIncreasing(t *testing.T, numbers []uint32, least int) {
	t.Helper()
	seen := slices.Compact(slices.Clone(numbers))
	if !slices.IsSorted(seen) || len(seen) < least {
		t.Errorf("pictures %v, want at least %d in order", numbers, least)
	}
}
