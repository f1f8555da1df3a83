package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"camd/pkg/config"
)

func newHealthcheckCommand() *cobra.Command {
	var path, listen, address string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "ask a running camd whether it is well (for containers)",
		Long: `Ask the camd that listens where the configuration or --listen says, or at --url, for /healthz. With tls in the
configuration it must show the certificate that is named there; at --url, one for its name that this machine trusts.

Exit codes: 0 it answers, 1 it does not, 2 the command line or the configuration is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := http.DefaultClient
			if address == "" {
				cfg, err := loadConfig(path)
				if err != nil && !errors.Is(err, errNoConfig) {
					return printConfigError(cmd, err)
				}
				if listen != "" {
					if err := config.CheckListen(listen); err != nil {
						return usageError(fmt.Errorf("--listen: %w", err))
					}
					cfg.Listen = listen
				}
				address = healthURL(cfg, cfg.Listen)
				if client, err = newClient(cfg); err != nil {
					return failure(err)
				}
			}
			if err := checkHealth(cmd.Context(), client, address); err != nil {
				return failure(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+defaultConfigPath+" if it is there)")
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDRESS` that it was told to serve on; overrides the configuration")
	cmd.Flags().StringVar(&address, "url", "", "`URL` to ask instead, such as http://127.0.0.1:8080/healthz")
	return cmd
}

// healthURL is where a camd of that configuration, which listens on addr, answers this machine: see transportFor.
func healthURL(cfg *config.Config, addr string) string {
	if _, ok := config.SocketPath(addr); ok {
		addr = "localhost" // by whatever name
	}
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
		if ip.To4() == nil && ip != nil {
			host = "::1" // a socket may be IPv6's alone
		}
		addr = net.JoinHostPort(host, port)
	}
	u := url.URL{Scheme: scheme(cfg), Host: addr, Path: "/healthz"} // which writes an IPv6 zone as it must be written
	return u.String()
}

func checkHealth(ctx context.Context, client *http.Client, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("want an address such as http://127.0.0.1:8080/healthz")
	}
	resp, err := client.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address, which may have a password in it
	}
	if err != nil {
		return fmt.Errorf("no camd answers at %s: %w", req.URL.Host, err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}
