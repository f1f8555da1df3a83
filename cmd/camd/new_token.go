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
		Long: `Print a new token of 256 random bits. A program sends it as "Authorization: Bearer TOKEN".

On standard error, print two lines for camd's configuration. Add one of them: the first names the file with the token, the second
has its hash, so that the token need not be on camd's machine.`,
		Example: "  camd new-token > /etc/camd/prometheus.token",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token := access.NewToken()
			sum, err := access.HashToken(token)
			if err != nil {
				return failure(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), token)
			fmt.Fprintf(cmd.ErrOrStderr(), "Add one of these lines to the configuration, under auth.tokens:\n"+
				"  NAME: {role: metrics, token_file: FILE}\n  NAME: {role: metrics, hash: %s}\n", sum)
			return nil
		},
	}
}
