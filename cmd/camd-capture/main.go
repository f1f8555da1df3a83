// Command camd-capture reads one camera and sends its pictures to camd, which starts it. Of the two programs, only this one links OpenCV.
//
// camd starts it with GODEBUG=asyncpreemptoff=1, which a //go:debug line cannot set. OpenCV waits for a device in select(2), and takes an
// interruption by Go's preemption signal for a failed read. Without the setting about one read in a thousand fails, which costs a moment.
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

// version is set by the Makefile from git.
var version = "development"

const help = `camd-capture reads one camera for camd. It is started by camd, one process per camera, and is of no use by itself:
it takes commands on standard input and writes pictures to standard output, both in a binary protocol.

  --version  print the version, that of OpenCV, and what it can read cameras with
  --help     print this text

To watch a camera start camd; to try one out use "camd probe SOURCE".
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
