package main

import (
	"fmt"
	"strings"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/config"
)

// missingAuth is the error of a file that has lost its section auth. Its arguments are the file and which configuration has the section.
const missingAuth = `%s: the section "auth" is missing, which %s; put it back, or say who has access: ` +
	`"auth: {anonymous: admin}" gives everybody full access, "auth: {anonymous: view}" shows everybody all cameras`

// keepsAuth refuses a reload whose file has no section auth while the one in force has it. Without the section everybody who
// reaches camd has full access, and a file that was cut short looks the same as one from which somebody removed it.
func keepsAuth(before, next loaded) error {
	if !before.hasAuth || next.hasAuth {
		return nil
	}
	return fmt.Errorf(missingAuth, next.path, "the configuration in force has")
}

// warnOfWiderAccess logs that everybody may do more by a configuration than by the one before it.
func (d *daemon) warnOfWiderAccess(before, now *config.Config) {
	was, is := anonymous(before), anonymous(now)
	if is.Within(was) {
		return
	}
	d.log.Warn("anonymous access widened", zap.String("before", describeAllowance(was)), zap.String("now", describeAllowance(is)),
		zap.String("remedy", "if everybody should not have this access, change auth.anonymous and reload"))
}

// anonymous is what a configuration lets everybody do.
func anonymous(cfg *config.Config) access.Allowance {
	if cfg.Auth == nil {
		return access.Allowance{Role: access.Admin}
	}
	return cfg.Auth.Anonymous
}

func describeAllowance(a access.Allowance) string {
	switch {
	case a.Role == "":
		return "none"
	case len(a.Cameras) == 0:
		return string(a.Role)
	}
	return fmt.Sprintf("%s of %s", a.Role, strings.Join(a.Cameras, ", "))
}
