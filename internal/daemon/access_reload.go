package daemon

import (
	"fmt"
	"strings"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/config"
)

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
