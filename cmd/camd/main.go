// Command camd serves surveillance cameras to browsers and to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"camd/internal/secrecy"
)

// Exit codes, as --help documents them.
const (
	exitOK     = 0
	exitFailed = 1 // it did not work
	exitUsage  = 2 // the command line or the configuration is wrong
)

func main() {
	if err := secrecy.Keep(); err != nil {
		fmt.Fprintf(os.Stderr, "camd: other programs of this user can read its memory: %v\n", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSaid):
		return codeOf(err)
	}
	fmt.Fprintf(stderr, "camd: %v\n", err)
	if code := codeOf(err); code != 0 {
		return code
	}
	// Only cobra's own errors come without a code: they are about the command line.
	fmt.Fprintf(stderr, "See '%s --help'.\n", cmd.CommandPath())
	return exitUsage
}

// exitError carries an exit code.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// errSaid is an error of which everything has been printed.
var errSaid = errors.New("said")

func failed(err error) error  { return exitError{err, exitFailed} }
func misused(err error) error { return exitError{err, exitUsage} }

func codeOf(err error) int {
	var e exitError
	if errors.As(err, &e) {
		return e.code
	}
	return 0
}

const long = `camd captures cameras, encodes each picture at most once, and serves it live to any number of viewers.

Without a command it serves, as "camd serve" does: the cameras of the configuration file, or, without one, a test pattern
and every capture device of this machine.

Exit codes: 0 done, 1 it did not work, 2 the command line or the configuration is wrong.`

// noSuchCommand names the commands that may have been meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q, did you mean %q?", args[0], near[0])
	}
	if strings.ContainsAny(args[0], ":@/") { // it may have a password in it
		return errors.New("that is no command; to try a source out: camd probe SOURCE")
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "camd",
		Short:         "serve surveillance cameras to browsers and to Prometheus",
		Long:          long,
		Args:          noSuchCommand,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SuggestionsMinimumDistance = 2
	root.Version = version
	root.SetVersionTemplate(versionLine())
	serve := newServe()
	root.RunE = serve.RunE
	root.Flags().AddFlagSet(serve.Flags())
	root.AddCommand(serve, newCheck(), newDevices(), newProbe(), newHealthcheck(), newDoctor(), newVersion())
	root.AddCommand(newHashPassword(), newNewToken(), newShare(), newRotateLinks())
	return root
}
