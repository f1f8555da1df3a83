package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/healthclient"
	"camd/internal/statedir"
	"camd/pkg/config"
)

func newHealthcheckCommand() *cobra.Command {
	var path, listen, address string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "check whether a running camd is healthy (for containers)",
		Long: `Request /healthz from the camd at the address of the configuration or of --listen. If the configuration has the section tls, the
server must present the certificate of the configuration. With --url, request that URL instead. Then an HTTPS server must present a
certificate for its name that this machine trusts.

Exit codes: 0 camd is healthy, 1 it is not healthy or does not answer, 2 the command line or the configuration is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			httpClient := http.DefaultClient
			if address == "" {
				cfg, err := configfile.Load(path)
				if err != nil && !errors.Is(err, configfile.ErrNone) {
					return printConfigError(cmd, err)
				}
				if listen != "" {
					if err := config.CheckListen(listen); err != nil {
						return usageError(fmt.Errorf("--listen: %w", err))
					}
					cfg.Listen = listen
				}
				address = healthclient.HealthURL(cfg.Scheme(), cfg.Listen)
				if httpClient, err = newClient(cfg); err != nil {
					return failure(err)
				}
			}
			if err := healthclient.CheckHealth(cmd.Context(), httpClient, address); err != nil {
				return failure(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it exists)")
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDRESS` that camd listens on; overrides the configuration")
	cmd.Flags().StringVar(&address, "url", "", "`URL` to request instead, such as http://127.0.0.1:8080/healthz")
	return cmd
}

// newClient returns a client for the camd of a configuration. The client accepts no other server.
func newClient(cfg *config.Config) (*http.Client, error) {
	if cfg.TLS == nil {
		return healthclient.New(cfg.Listen, nil), nil
	}
	c, err := configfile.CertificateFiles(cfg.TLS, statedir.Path(cfg.StateDir)).Load()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return healthclient.New(cfg.Listen, c), nil
}
