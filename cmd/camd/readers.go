package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"camd/pkg/source/confine"
	"camd/pkg/source/readers"
)

const readersHelp = `Reads network cameras for camd. Do not start it yourself: camd starts one process for all cameras.
It receives the cameras over a Unix socket on standard input. Each camera has two pipes with a binary protocol.`

func newReadersCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "readers",
		Short:  "read network cameras for camd",
		Long:   readersHelp,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			socket, err := socketOnStdin()
			if err != nil {
				return failure(err)
			}
			return readers.Run(cmd.Context(), readers.Options{Socket: socket, Confine: confine.ReadersProcess, BeforeFrame: beforeFrame})
		},
	}
}

// socketOnStdin returns the socket on standard input, and closes standard input.
func socketOnStdin() (*net.UnixConn, error) {
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		return nil, errors.New("standard input is not a socket: camd starts this command itself")
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("standard input is a socket of type %T: camd starts this command itself", conn)
	}
	return socket, os.Stdin.Close()
}
