package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/sys/unix"

	"camd/internal/testrun"
)

// An open page follows reloads: cameras are removed, added, renamed and reordered.
func TestDashboardFollowsReloads(t *testing.T) {
	t.Parallel()
	camera := func(id, title string) string {
		return fmt.Sprintf("  - {id: %s, title: %s, source: 'test://?size=320x180&fps=10'}\n", id, title)
	}
	d := start(t, options{config: "cameras:\n" + camera("gate", "The gate") + camera("yard", "The yard")})
	b, page := openBrowser(t, 1280, 800), openBrowser(t, 1280, 900)
	b.do(chromedp.Navigate(d.URL + "/"))
	page.do(chromedp.Navigate(d.URL + "/cameras/yard"))
	waitForMotion(t, b, "The gate")
	waitForMotion(t, b, "The yard")
	page.waitForText("Live", pageState)

	const titles = `[...document.querySelectorAll('.tile')].map(t => t.dataset.camera).join()`
	d.reloadWith("cameras:\n" + camera("hall", "The hall") + camera("gate", "The north gate"))
	b.waitForText("hall,gate", titles)
	waitForMotion(t, b, "The hall")
	waitForMotion(t, b, "The north gate")
	d.waitForCamera("gate", "watched", func(s state) bool { return s.Viewers == 1 })
	d.reloadWith("cameras:\n" + camera("yard", "The yard") + camera("gate", "The gate"))
	b.waitForText("yard,gate", titles)
	waitForMotion(t, b, "The yard")
	d.waitForCamera("yard", "watched by both pages", func(s state) bool { return s.Viewers == 2 })
	b.do(chromedp.Evaluate[chromedp.Void](`location.hash = '#yard'`))
	d.waitForCamera("gate", "without viewers", func(s state) bool { return s.Viewers == 0 })
	d.reloadWith("cameras:\n" + camera("gate", "The gate")) // removes the opened camera
	b.waitForText("gate", titles)
	waitForMotion(t, b, "The gate")
	b.checkConsole()
}

// SIGHUP stops camd if its terminal is closed. Otherwise the signal reloads the configuration.
func TestTerminalHangupStopsDaemon(t *testing.T) {
	t.Parallel()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var stdout testrun.Output
	cmd := exec.Command(testrun.Program(t, "camd"), "serve", "--listen", "127.0.0.1:0", "-c", write(t, t.TempDir(), "camd.yaml", numberedCameras(1, nil)))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, &stdout, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	eventually(t, "camd to serve", func() bool { return dashboardPattern.MatchString(stdout.String()) })
	_ = master.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("camd ended with %v, want exit code 0", err)
	}
}
