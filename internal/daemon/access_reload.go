package daemon

import (
	"context"
	"fmt"
	"net"
	"strings"

	"go.uber.org/zap"

	"camd/internal/configfile"
	"camd/pkg/access"
	"camd/pkg/config"
)

// prepareAccess refuses a configuration by which everybody would have access to a camd that others reach, or that has lost its section
// auth. Its commit allows a client only what both the access rules in force and the new ones allow: the cameras' commit, which comes
// later, puts the new ones into force alone.
func (d *daemon) prepareAccess(next configfile.Loaded) (commit func(context.Context), err error) {
	if err := checkExposedAddrs(next.Config, d.servedAddrs...); err != nil {
		return nil, fmt.Errorf("camd listens where it did when it was started: %w", err)
	}
	if err := configfile.CheckAuthKept(d.active, next); err != nil {
		return nil, err
	}
	return func(context.Context) {
		d.auth.apply(next.Config)
		d.registry.restrict(d.auth.authenticator)
	}, nil
}

// checkExposedAddrs reports that camd listens at one of these addresses where other machines reach it, and that the configuration does
// not say who has access.
func checkExposedAddrs(cfg *config.Config, addrs ...net.Addr) error {
	for _, addr := range addrs {
		if _, tcp := addr.(*net.TCPAddr); !tcp {
			continue
		}
		if err := cfg.CheckAddressExposure(addr.String()); err != nil {
			return err
		}
	}
	return nil
}

// warnWiderAnonymousAccess logs that everybody may do more by a configuration than by the one before it.
func (d *daemon) warnWiderAnonymousAccess(before, now *config.Config) {
	was, is := anonymousPermission(before), anonymousPermission(now)
	if is.IsSubsetOf(was) {
		return
	}
	d.log.Warn("anonymous access widened", zap.String("before", describePermission(was)), zap.String("now", describePermission(is)),
		zap.String("remedy", "if everybody should not have this access, change auth.anonymous and reload"))
}

// anonymousPermission is what a configuration lets everybody do.
func anonymousPermission(cfg *config.Config) access.Permission {
	if cfg.Auth == nil {
		return access.Permission{Role: access.Admin}
	}
	return cfg.Auth.Anonymous
}

func describePermission(a access.Permission) string {
	switch {
	case a.Role == "":
		return "none"
	case len(a.Cameras) == 0:
		return string(a.Role)
	}
	return fmt.Sprintf("%s of %s", a.Role, strings.Join(a.Cameras, ", "))
}
