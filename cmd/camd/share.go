package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/linkkey"
	"camd/internal/statedir"
	"camd/pkg/access"
	"camd/pkg/config"
)

func newShareCommand() *cobra.Command {
	var path string
	duration := linkLifetime(time.Hour)
	cmd := &cobra.Command{
		Use:   "share CAMERA",
		Short: "print a link that shows one camera for a limited time",
		Long: `Print a link that shows one camera, and nothing else, to everyone who has the link. --for sets how long it is valid.
"camd rotate-links" revokes all links at once.

The link begins with public_url of the configuration. It is signed with camd's own key, so run the command as a user who can
read that key.

Exit codes: 0 printed, 1 there is no key or it cannot be read, 2 the command line or the configuration is wrong.`,
		Example: "  camd share front-door --for 2h\n  camd share north.yard             # at a relay\n  sudo camd share yard --for 7d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := configfile.Load(path)
			if err != nil && !errors.Is(err, configfile.ErrNone) {
				return printConfigError(cmd, err)
			}
			if err := checkShareable(cfg, args[0]); err != nil {
				return usageError(err)
			}
			if time.Duration(duration) < time.Second || time.Duration(duration) > access.MaxLinkLifetime {
				return usageError(fmt.Errorf("--for: must be from 1s to %dd", access.MaxLinkLifetime/day))
			}
			key, err := signingKey(cfg)
			if err != nil {
				return failure(err)
			}
			now := time.Now()
			signature, err := key.Sign(args[0], now, time.Duration(duration))
			if err != nil {
				return failure(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), shareURL(cfg, args[0], signature))
			fmt.Fprintf(cmd.ErrOrStderr(), "Valid until %s. \"camd rotate-links\" revokes all links.\n", now.Add(time.Duration(duration)).Format(time.RFC1123))
			return nil
		},
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if cfg, err := configfile.Load(path); err == nil && len(args) == 0 {
			return cfg.CameraIDs(), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	cmd.Flags().Var(&duration, "for", "`DURATION` for which the link is valid, such as 30m, 2h or 7d; at most 30d")
	cmd.Flags().Lookup("for").DefValue = "1h"
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it exists)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

const day = 24 * time.Hour

// linkLifetime is the value of a flag for how long a link is valid: 30m, 2h, 7d.
type linkLifetime time.Duration

// Set parses the value of the flag.
func (l *linkLifetime) Set(text string) error {
	d, err := time.ParseDuration(text)
	if n, ok := strings.CutSuffix(text, "d"); ok {
		var days uint64
		days, err = strconv.ParseUint(n, 10, 16)
		d = time.Duration(days) * day
	}
	if err != nil {
		return errors.New("must be a duration such as 30m, 2h or 7d")
	}
	*l = linkLifetime(d)
	return nil
}

func (l *linkLifetime) String() string { return time.Duration(*l).String() }

// Type returns the type of the value. The flag's help shows DURATION instead.
func (l *linkLifetime) Type() string { return "time" }

// checkShareable returns an error if no link can be made for a camera.
func checkShareable(cfg *config.Config, id string) error {
	ids := cfg.CameraIDs()
	switch {
	case cfg.Auth == nil:
		return errors.New("the configuration has no section auth, so everyone has access without a link")
	case slices.Contains(ids, id) || cfg.CanBeRemoteCamera(id):
		return nil
	case len(ids) == 0 && cfg.IsRelay():
		return fmt.Errorf("no camera %q; cameras of a relay have ids such as north.yard", id)
	default:
		return fmt.Errorf("no camera %q; the cameras are: %s", id, strings.Join(ids, ", "))
	}
}

// signingKey returns the key with which the camd of a configuration signs links.
func signingKey(cfg *config.Config) (access.LinkKey, error) {
	if key := configfile.AccessOptions(cfg).LinkKey; len(key) > 0 {
		return key, nil
	}
	path, err := linkKeyPath(cfg)
	if err != nil {
		return nil, err
	}
	key, err := linkkey.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; camd makes the key when it starts with the section auth in its configuration", err)
	}
	return key, err
}

// linkKeyPath returns the path of the key that the camd of a configuration creates itself.
func linkKeyPath(cfg *config.Config) (string, error) {
	dir := cmp.Or(statedir.Path(cfg.StateDir), statedir.OfService())
	if dir == "" {
		return "", errors.New("there is no key for links: set link_key_file or state_dir in the configuration")
	}
	return linkkey.Path(dir), nil
}

// shareURL returns a link. It begins with the address at which users reach camd, as far as the configuration says.
func shareURL(cfg *config.Config, id, signature string) string {
	base := cmp.Or(cfg.PublicURL, cfg.Scheme()+"://"+dialAddress(cfg.Listen))
	return base + "/cameras/" + id + "?" + access.LinkParameter + "=" + url.QueryEscape(signature)
}

// dialAddress returns an address to listen on in the form that clients use.
func dialAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		if name, err := os.Hostname(); err == nil {
			return net.JoinHostPort(name, port)
		}
	}
	return listen
}
