package e2e

import (
	"bytes"
	"image"
	_ "image/png" // the format in which programs save pictures
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
	d := start(t, options{config: "cameras:\n  - {id: a, source: 'test://?size=640x352&fps=20', stall_timeout: 2m}\n"})
	d.waitForState("a", "live")
	streams := []string{"/cameras/a/stream.mjpg", "/?action=stream&1700000000", "/stream"}
	for _, path := range streams {
		t.Run("VLC"+path, func(t *testing.T) {
			t.Parallel()
			checkVLC(t, d.URL+path)
		})
		t.Run("OpenCV"+path, func(t *testing.T) {
			t.Parallel()
			untilDifferent(t, 25, func() []uint32 {
				dir := t.TempDir()
				o := run(t, pythonWithModule(t, "cv2", "python3-opencv"), "testdata/opencv.py", d.URL+path, dir, "30")
				if o.code != 0 {
					t.Fatalf("%+v", o)
				}
				return frameNumbers(t, sortedGlob(dir, "*.png"))
			})
		})
	}
	for path, snapshot := range map[string]string{streams[0]: "/cameras/a/snapshot.jpg", streams[1]: "/?action=snapshot", streams[2]: "/snapshot"} {
		t.Run("Home Assistant"+path, func(t *testing.T) {
			t.Parallel()
			checkHomeAssistant(t, d.URL+path, d.URL+snapshot)
		})
		t.Run("OctoPrint"+snapshot, func(t *testing.T) {
			t.Parallel()
			untilDifferent(t, 2, func() []uint32 { // in a second, in which the camera takes 20
				dir := t.TempDir()
				o := run(t, pythonWithModule(t, "requests", "python3-requests"), "testdata/octoprint.py", d.URL+snapshot, dir, "10", "0.1")
				taken := sortedGlob(dir, "*.jpg")
				if o.code != 0 || len(taken) != 10 {
					t.Fatalf("%d pictures, want 10: %+v", len(taken), o)
				}
				return frameNumbers(t, taken)
			})
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
	const path = "/usr/bin/python3" // only this one has Debian's modules
	if exec.Command(path, "-c", "import "+module).Run() != nil {
		return testpeer.RequireProgram(t, "python3 with "+module, debianPackage)
	}
	return path
}

// checkVLC lets VLC write every picture that it shows into a file, and checks these.
func checkVLC(t *testing.T, url string) {
	dir, err := os.MkdirTemp("", "camd-vlc-") // only its owner can read t.TempDir
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
	var all []uint32
	eventually(t, "VLC to show 20 different pictures", func() bool { // it repeats pictures at its own rate
		scenes := sortedGlob(dir, "scene*.png")
		if len(scenes) > 0 {
			scenes = scenes[:len(scenes)-1] // the last may be half written
		}
		all = append(all, frameNumbers(t, scenes[min(len(all), len(scenes)):])...)
		return countDifferent(all) >= 20
	})
	checkIncreasing(t, all, 20)
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

// checkIncreasing checks that the pictures are in order, and that at least least are different. A picture may be shown several times.
func checkIncreasing(t *testing.T, numbers []uint32, least int) {
	t.Helper()
	if !slices.IsSorted(numbers) || countDifferent(numbers) < least {
		t.Errorf("pictures %v, want at least %d different ones in order", numbers, least)
	}
}

// untilDifferent takes pictures until least of them are different, at most five times. A busy machine may deliver too few once, but not
// each time.
func untilDifferent(t *testing.T, least int, take func() []uint32) {
	t.Helper()
	var numbers []uint32
	for range 5 {
		numbers = take()
		if !slices.IsSorted(numbers) || countDifferent(numbers) >= least {
			break
		}
	}
	checkIncreasing(t, numbers, least)
}

// countDifferent returns how many of the numbers differ from the one before.
func countDifferent(numbers []uint32) int { return len(slices.Compact(slices.Clone(numbers))) }
