package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/linkkey"
)

func newRotateLinksCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "rotate-links",
		Short: "revoke all links",
		Long: `Replace the key that signs links. Then reload camd ("systemctl reload camd"). From then on it refuses all older links, and it
ends the streams of viewers who use one.

Exit codes: 0 success, 1 the key cannot be written, 2 the command line or the configuration is wrong.`,
		Example: "  sudo camd rotate-links && sudo systemctl reload camd",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configfile.Load(path)
			if err != nil && !errors.Is(err, configfile.ErrNone) {
				return printConfigError(cmd, err)
			}
			if cfg.Auth == nil {
				return usageError(errors.New("the configuration has no section auth, so there are no links"))
			}
			file := cfg.Auth.LinkKeyFile.Path
			if file == "" {
				if file, err = linkKeyPath(cfg); err != nil {
					return failure(err)
				}
			}
			if err := linkkey.Replace(file); err != nil {
				return failure(fmt.Errorf("replace the key: %w", err))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "replaced the key in %s; to revoke all links, reload camd: systemctl reload camd, or SIGHUP\n", file)
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it exists)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}
