package capture

import (
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"camd/pkg/camera"
)

// The size is also known if OpenCV loads FFmpeg as a plugin.
func TestDecodedSizeIsSeenInAPlugin(t *testing.T) {
	if err := exec.Command("pkg-config", "--exists", "libavcodec").Run(); err != nil {
		t.Skip("libavcodec's headers are not installed: libavcodec-dev has them")
	}
	dir := t.TempDir()
	plugin, program := filepath.Join(dir, "plugin.so"), filepath.Join(dir, "program")
	const source = "testdata/plugin/"
	compileC(t, "-shared", "-fPIC", "-o", plugin, source+"plugin.c", "@libavcodec")
	// Like camd-capture, the program links only libavutil. The other functions come with the plugin. Go links with -rdynamic, too.
	compileC(t, "-rdynamic", "-Wl,--as-needed", "-o", program, source+"program.c", "decoded.c", "next_symbol.c", "-ldl", "@libavutil")
	if out, err := exec.Command(program, plugin).CombinedOutput(); err != nil {
		t.Errorf("%s (%v)", out, err)
	}
}

// compileC compiles a C program. An argument that begins with @ names a library.
func compileC(t *testing.T, args ...string) {
	t.Helper()
	all := []string{"-Wall", "-Werror"}
	for _, a := range args {
		if lib, ok := strings.CutPrefix(a, "@"); ok {
			flags, err := exec.Command("pkg-config", "--cflags", "--libs", lib).Output()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strings.Fields(string(flags))...)
			continue
		}
		all = append(all, a)
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if out, err := exec.Command(cc, all...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// If the decoded size is unknown, no picture counts as resized.
func TestUnknownSizeIsNotCountedAsResize(t *testing.T) {
	var f ffmpegSource
	for _, size := range []image.Point{{}, {X: 640, Y: 480}, {}, {X: 640, Y: 480}} {
		if err := f.checkSize(size); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
	if err := f.checkSize(image.Pt(320, 240)); !isResized(err) {
		t.Errorf("got %v, want %s", err, camera.Resized)
	}
}
