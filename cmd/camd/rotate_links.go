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
		Short: "take back all links that were ever made",
		Long: `Make another key for links: a running camd refuses all that were made before as soon as it has read its configuration
again ("systemctl reload camd"), and cuts who watches by one.

Exit codes: 0 done, 1 the key cannot be written, 2 the command line or the configuration is wrong.`,
		Example: "  sudo camd rotate-links && sudo systemctl reload camd",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configfile.Load(path)
			if err != nil && !errors.Is(err, configfile.ErrNone) {
				return printConfigError(cmd, err)
			}
			if cfg.Auth == nil {
				return usageError(errors.New("there is no auth in the configuration, and so there are no links"))
			}
			file := cfg.Auth.LinkKeyFile
			if file == "" {
				if file, err = linkKeyPath(cfg); err != nil {
					return failure(err)
				}
			}
			if err := linkkey.Replace(file); err != nil {
				return failure(fmt.Errorf("write another key: %w", err))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "replaced the key in %s; all links end when camd reads its configuration again: systemctl reload camd, or SIGHUP\n", file)
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it is there)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}
