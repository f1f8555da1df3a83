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

	"camd/internal/nodump"
	"camd/pkg/config"
)

// Exit codes, as --help documents them.
const (
	exitOK     = 0
	exitFailed = 1 // the command failed
	exitUsage  = 2 // the command line or the configuration is wrong
)

func main() {
	if err := nodump.Enable(); err != nil {
		fmt.Fprintf(os.Stderr, "camd: other programs of this user can read camd's memory: %v\n", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errPrinted):
		return exitCode(err)
	}
	fmt.Fprintf(stderr, "camd: %v\n", err)
	if code := exitCode(err); code != 0 {
		return code
	}
	// Only cobra's own errors have no code. They are about the command line.
	fmt.Fprintf(stderr, "See '%s --help'.\n", cmd.CommandPath())
	return exitUsage
}

// exitError carries an exit code.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// errPrinted is an error whose text has been printed already.
var errPrinted = errors.New("printed")

func failure(err error) error    { return exitError{err, exitFailed} }
func usageError(err error) error { return exitError{err, exitUsage} }

func exitCode(err error) int {
	var e exitError
	if errors.As(err, &e) {
		return e.code
	}
	return 0
}

const longHelp = `camd captures cameras, encodes each picture at most once, and serves it live to any number of viewers.

Without a command, camd does what "camd serve" does. It serves the cameras of the configuration file. If there is no file, it serves
a test pattern and every capture device of this machine.

Exit codes: 0 success, 1 failure, 2 the command line or the configuration is wrong.`

// rejectUnknownCommand returns an error that suggests similar commands.
func rejectUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q, did you mean %q?", args[0], near[0])
	}
	if strings.ContainsAny(args[0], ":@/") { // it may contain a password
		return errors.New("this is not a command; to try a source, run: camd probe SOURCE")
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "camd",
		Short:         "serve surveillance cameras to browsers and metrics to Prometheus",
		Long:          longHelp,
		Args:          rejectUnknownCommand,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SuggestionsMinimumDistance = 2
	root.Version = version
	root.SetVersionTemplate(versionLine())
	serve := newServeCommand()
	root.RunE = serve.RunE
	root.Flags().AddFlagSet(serve.Flags())
	root.AddCommand(serve, newCheckCommand(), newDevicesCommand(), newProbeCommand(), newHealthcheckCommand(), newDoctorCommand(), newVersionCommand())
	root.AddCommand(newSchemaCommand(), newHashPasswordCommand(), newTokenCommand(), newShareCommand(), newRotateLinksCommand(), newReadersCommand())
	return root
}

// printConfigError prints the mistakes in a configuration, one line for each.
func printConfigError(cmd *cobra.Command, err error) error {
	var e *config.Error
	if !errors.As(err, &e) {
		return usageError(err)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), e)
	return usageError(errPrinted)
}
