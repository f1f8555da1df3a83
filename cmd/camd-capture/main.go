// Command camd-capture reads one camera and sends its pictures to camd, which starts it. Of the two programs, only this one links OpenCV.
//
// camd starts it with GODEBUG=asyncpreemptoff=1, which a //go:debug line cannot set. OpenCV waits for a device in select(2). If Go's
// preemption signal interrupts that call, OpenCV reports a failed read. Without the setting about one read in a thousand fails.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"camd/pkg/source/capture"
	"camd/pkg/source/confine"
)

// The Makefile sets version from git.
var version = "development"

const help = `camd-capture reads one camera for camd. Do not start it yourself: camd starts one process for each camera.
It reads commands from standard input and writes pictures to standard output, both in a binary protocol.
For cameras that camd reads itself, it opens nothing and decodes the frames that camd sends.

  --version  print the version, the version of OpenCV, and the backends of OpenCV that read cameras
  --help     print this text

To view cameras, start camd. To try a source, run "camd probe SOURCE".
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	for _, arg := range args {
		switch arg {
		case "--version", "-version", "version":
			fmt.Println("camd-capture", version)
			fmt.Println(capture.Versions())
			return 0
		case "--help", "-help", "-h", "help":
			fmt.Print(help)
			return 0
		default:
			fmt.Fprintf(os.Stderr, "camd-capture: unknown argument %q\n\n%s", arg, help)
			return 2
		}
	}
	out, err := capture.TakeStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, "camd-capture:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := capture.Run(ctx, os.Stdin, out, confine.ThisProcess); err != nil {
		fmt.Fprintln(os.Stderr, "camd-capture:", err)
		return 1
	}
	return 0
}
