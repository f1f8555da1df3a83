package daemon

import (
	"fmt"

	"go.uber.org/zap"

	"camd/internal/configfile"
	"camd/internal/fdlimit"
	"camd/pkg/config"
	"camd/pkg/connlimit"
)

// minConnections is accepted even if too few files may be open, so that an administrator can still reach camd.
const minConnections = 16

// connectionLimits returns the configured limits. If too few file descriptors would remain for the cameras, it reduces the limits and fits is
// false.
func connectionLimits(cfg *config.Config) (limits connlimit.Limits, fits bool) {
	limits.Total, limits.PerAddress = cfg.Limits.ConnectionLimits()
	limits.LimitLoopback = cfg.Limits.ConnectionsPerAddress > 0
	if cfg.Auth != nil {
		limits.Exempt = configfile.AccessOptions(cfg).Proxies.Networks
	}
	maxFiles, err := fdlimit.Limit()
	if err != nil {
		return limits, true // a kernel without such a limit
	}
	available := max(maxFiles-fdlimit.Needed(len(cfg.Cameras)), minConnections)
	fits = limits.Total <= available
	limits.Total = min(limits.Total, available)
	limits.PerAddress = min(limits.PerAddress, limits.Total)
	return limits, fits
}

// warnFDLimit logs that fewer connections are possible than configured.
func warnFDLimit(cfg *config.Config, log *zap.Logger) {
	limits, fits := connectionLimits(cfg)
	if fits {
		return
	}
	configured, _ := cfg.Limits.ConnectionLimits()
	want := configured + fdlimit.Needed(len(cfg.Cameras))
	log.Warn("fewer connections than configured", zap.Int("configured", configured), zap.Int("connections", limits.Total),
		zap.String("remedy", fmt.Sprintf("set LimitNOFILE=%d in the unit (it has 16384), or run ulimit -n %[1]d in the shell", want)))
}
