package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/statedir"
	"camd/pkg/config"
)

func newCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "check a configuration file",
		Long: `Check a configuration file without opening a camera. Print every mistake with FILE:LINE:COLUMN and the remedy. When root checks
` + configfile.DefaultPath + `, also report files that the user of camd.service cannot read.

Exit codes: 0 the file has no mistakes, 2 it has mistakes or cannot be read.`,
		Example: "  camd check camd.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && path != "" {
				return usageError(errors.New("give the file only once, as FILE or with -c"))
			}
			path := cmp.Or(path, strings.Join(args, ""))
			cfg, err := configfile.Load(path)
			if err != nil {
				return printConfigError(cmd, err)
			}
			if !checkSurroundings(cmd, cfg, path) {
				return usageError(errPrinted)
			}
			name := cmp.Or(path, configfile.DefaultPath)
			what := fmt.Sprintf("cameras: %d", len(cfg.Cameras))
			if cfg.Bus != nil && len(cfg.Cameras) == 0 {
				what = "a relay"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: no mistakes, %s\n", name, what)
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it exists)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.ValidArgsFunction = cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)
	return cmd
}

// checkSurroundings reports whether a configuration that has no mistakes can be served. It prints every problem.
func checkSurroundings(cmd *cobra.Command, cfg *config.Config, path string) bool {
	good := true
	stateDir := cmp.Or(statedir.Path(cfg.StateDir), statedir.OfService())
	for _, err := range []error{cfg.CheckExposure(), cfg.CheckStateDir(stateDir), checkServiceFiles(cmd.Context(), cfg, path)} {
		if err == nil {
			continue
		}
		good = false
		if !errors.Is(printConfigError(cmd, err), errPrinted) {
			fmt.Fprintf(cmd.ErrOrStderr(), "camd: %v\n", err)
		}
	}
	return good
}
