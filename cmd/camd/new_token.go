package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"camd/pkg/access"
)

func newTokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new-token",
		Short: "make a token for a program, such as Prometheus",
		Long: `Print a new token of 256 random bits: what a program sends as "Authorization: Bearer TOKEN". What to write into camd's
configuration follows on standard error: either the token's file or, where the token should not be on camd's machine, its hash.`,
		Example: "  camd new-token > /etc/camd/prometheus.token",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token := access.NewToken()
			sum, err := access.HashToken(token)
			if err != nil {
				return failure(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), token)
			fmt.Fprintf(cmd.ErrOrStderr(), "In the configuration, under tokens in auth, one of:\n"+
				"  NAME: {role: metrics, token_file: FILE}\n  NAME: {role: metrics, hash: %s}\n", sum)
			return nil
		},
	}
}
