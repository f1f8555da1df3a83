package main

import (
	"fmt"
	"strings"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/config"
)

// missingAuthFormat is the error of a file that has lost its section auth. Its arguments are the file and which configuration has the section.
const missingAuthFormat = `%s: the section "auth" is missing, which %s; put it back, or say who has access: ` +
	`"auth: {anonymous: admin}" gives everybody full access, "auth: {anonymous: view}" shows everybody all cameras`

// checkAuthKept refuses a reload whose file has no section auth while the one in force has it. Without the section everybody who
// reaches camd has full access, and a file that was cut short looks the same as one from which somebody removed it.
func checkAuthKept(before, next loadedConfig) error {
	if !before.hasAuth || next.hasAuth {
		return nil
	}
	return fmt.Errorf(missingAuthFormat, next.path, "the configuration in force has")
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
