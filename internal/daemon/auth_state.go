package daemon

import (
	"path/filepath"

	"go.uber.org/zap"

	"camd/internal/configfile"
	"camd/internal/linkkey"
	"camd/internal/statedir"
	"camd/pkg/access"
	"camd/pkg/config"
)

// authState is the access state that outlives a configuration: sessions, login attempts, and the generated key for links.
type authState struct {
	sessions     *access.Sessions
	loginLimiter *access.LoginLimiter
	stateDir     string // empty if there is none
	log          *zap.Logger

	authenticator *access.Authenticator // for the configuration that was applied last
	linkKey       access.LinkKey        // of the authenticator
}

// newAuthState opens the saved sessions. If that fails, camd serves without them, and users must log in again.
func newAuthState(cfg *config.Config, log *zap.Logger) *authState {
	d := &authState{loginLimiter: access.NewLoginLimiter(), stateDir: statedir.Path(cfg.StateDir), log: log}
	o := access.SessionOptions{OnError: func(err error) {
		log.Error("sessions not saved", zap.Error(err), zap.String("remedy", "after a restart, sessions of users who have logged out may be valid again: "+statedir.Remedy(err, d.stateDir)))
	}}
	if d.stateDir != "" {
		o.Path = filepath.Join(d.stateDir, access.SessionsFile)
	}
	var err error
	if d.sessions, err = access.OpenSessions(o); err != nil {
		log.Error("sessions not loaded", zap.Error(err), zap.String("remedy", "users must log in again; "+statedir.Remedy(err, d.stateDir)))
	}
	return d
}

// apply makes the authenticator of a configuration and sets its session limits. Open sessions and streams stay unchanged.
func (d *authState) apply(cfg *config.Config) {
	o := configfile.AccessOptions(cfg)
	o.Sessions, o.LoginLimiter = d.sessions, d.loginLimiter
	d.linkKey = nil
	if a := cfg.Auth; a != nil { // without it, only this machine can reach camd
		d.sessions.SetLimits(access.SessionOptions{IdleTimeout: a.Session.Idle, MaxAge: a.Session.Lifetime})
		d.linkKey = d.chooseLinkKey(o.LinkKey)
		o.LinkKey = d.linkKey
	}
	d.authenticator = access.New(o)
}

// chooseLinkKey returns the key for links: the configured one, otherwise the one in the state directory. Without a key camd serves no
// links.
func (d *authState) chooseLinkKey(configured access.LinkKey) access.LinkKey {
	if len(configured) > 0 || d.stateDir == "" {
		return configured
	}
	key, err := linkkey.ReadOrCreate(d.stateDir)
	if err != nil {
		d.log.Error("links not available", zap.Error(err), zap.String("remedy", statedir.Remedy(err, d.stateDir)+"; or set link_key_file"))
	}
	return key
}
