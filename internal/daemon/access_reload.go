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

// prepareAccess refuses a configuration that would give everybody access while other machines can reach camd. It also refuses one that has
// lost its section auth. Its commit allows a client only what both the old and the new access rules allow. When the cameras have
// changed, too, publishCameras puts the new rules into force.
func (d *daemon) prepareAccess(next configfile.Loaded) (commit func(context.Context), err error) {
	if err := checkExposedAddrs(next.Config, d.servedAddrs...); err != nil {
		return nil, fmt.Errorf("camd still listens on the address that it started with: %w", err)
	}
	if err := configfile.CheckAuthKept(d.active, next); err != nil {
		return nil, err
	}
	return func(context.Context) {
		d.auth.apply(next.Config)
		d.registry.restrict(d.auth.authenticator)
	}, nil
}

// checkExposedAddrs returns an error if other machines can reach one of these addresses and the configuration does not say who has access.
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

// warnWiderAnonymousAccess logs a warning if a configuration allows everybody to do more than the previous one did.
func (d *daemon) warnWiderAnonymousAccess(before, now *config.Config) {
	was, is := anonymousPermission(before), anonymousPermission(now)
	if is.IsSubsetOf(was) {
		return
	}
	d.log.Warn("anonymous access widened", zap.String("before", describePermission(was)), zap.String("now", describePermission(is)),
		zap.String("remedy", "if you did not intend this, change auth.anonymous and reload"))
}

// anonymousPermission returns what a configuration allows everybody to do.
func anonymousPermission(cfg *config.Config) access.Permission {
	return configfile.AccessOptions(cfg).Anonymous
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
