package main

import (
	"fmt"

	"go.uber.org/zap"

	"camd/internal/descriptors"
	"camd/pkg/config"
	"camd/pkg/turnstile"
)

// fewestConnections are let in however few files may be open: a camd that nobody reaches cannot be asked what is wrong.
const fewestConnections = 16

// connections returns how many there may be: as many as configured, but never so many that cameras could not be opened for want
// of file descriptors.
func connections(cfg *config.Config) (limits turnstile.Limits, affordable bool) {
	limits.InAll, limits.PerAddress = cfg.Limits.ConnectionsInAll()
	limits.Local = cfg.Limits.ConnectionsPerAddress > 0
	if cfg.Auth != nil {
		limits.Except = cfg.Auth.Proxies.Networks
	}
	may, err := descriptors.May()
	if err != nil {
		return limits, true // a kernel without such a limit
	}
	most := max(may-descriptors.Needed(len(cfg.Cameras)), fewestConnections)
	affordable = limits.InAll <= most
	limits.InAll = min(limits.InAll, most)
	limits.PerAddress = min(limits.PerAddress, limits.InAll)
	return limits, affordable
}

// admit says when there can be fewer connections than configured.
func admit(cfg *config.Config, log *zap.Logger) {
	limits, affordable := connections(cfg)
	if affordable {
		return
	}
	configured, _ := cfg.Limits.ConnectionsInAll()
	want := configured + descriptors.Needed(len(cfg.Cameras))
	log.Warn("fewer connections than configured", zap.Int("configured", configured), zap.Int("connections", limits.InAll),
		zap.String("remedy", fmt.Sprintf("LimitNOFILE=%d in the unit (it has 16384), or ulimit -n %d in a shell", want, want)))
}
