package daemon

import (
	"net"
	"path/filepath"

	"go.uber.org/zap"

	"camd/internal/linkkey"
	"camd/internal/statedir"
	"camd/pkg/access"
	"camd/pkg/config"
)

// authState is the access state that outlives a configuration: sessions, login attempts, and the key for links that camd made
// itself.
type authState struct {
	sessions     *access.Sessions
	loginLimiter *access.LoginLimiter
	stateDir     string // empty: there is none
	log          *zap.Logger

	linkKey access.LinkKey // for links, of the newest authenticator
}

// newAuthState opens what is kept. camd serves without it: people have to log in again.
func newAuthState(cfg *config.Config, log *zap.Logger) *authState {
	d := &authState{loginLimiter: access.NewLoginLimiter(), stateDir: statedir.Path(cfg.StateDir), log: log}
	o := access.SessionOptions{OnError: func(err error) {
		log.Error("sessions not kept", zap.Error(err), zap.String("remedy", "who logs out may come back when camd restarts: "+statedir.Remedy(err, d.stateDir)))
	}}
	if d.stateDir != "" {
		o.Path = filepath.Join(d.stateDir, access.SessionsFile)
	}
	var err error
	if d.sessions, err = access.OpenSessions(o); err != nil {
		log.Error("sessions not known", zap.Error(err), zap.String("remedy", "people have to log in again; "+statedir.Remedy(err, d.stateDir)))
	}
	return d
}

// newAuthenticator makes the access rules of that configuration. Open sessions and streams stay as they are.
func (d *authState) newAuthenticator(cfg *config.Config) *access.Authenticator {
	a := cfg.Auth
	d.linkKey = nil
	if a == nil { // this machine alone reaches it
		return access.New(access.Options{Anonymous: anonymousPermission(cfg), Sessions: d.sessions, LoginLimiter: d.loginLimiter})
	}
	d.linkKey = d.chooseLinkKey(a)
	return access.New(access.Options{
		Anonymous: anonymousPermission(cfg), Users: a.Users, Tokens: a.Tokens, LinkKey: d.linkKey, Proxies: a.Proxies, ForwardAuth: a.ForwardAuth,
		Sessions: d.sessions, LoginLimiter: d.loginLimiter,
	})
}

// chooseLinkKey is the key for links: the configured one, else one that camd keeps itself. camd serves without it, and has no links.
func (d *authState) chooseLinkKey(a *config.Auth) access.LinkKey {
	if len(a.LinkKey) > 0 || d.stateDir == "" {
		return a.LinkKey
	}
	key, err := linkkey.ReadOrCreate(d.stateDir)
	if err != nil {
		d.log.Error("no links", zap.Error(err), zap.String("remedy", statedir.Remedy(err, d.stateDir)+"; or set link_key_file"))
	}
	return key
}

// applySessionLimits makes sessions last as long as the configuration says.
func (d *authState) applySessionLimits(cfg *config.Config) {
	if a := cfg.Auth; a != nil {
		d.sessions.SetLimits(access.SessionOptions{IdleTimeout: a.SessionIdle, MaxAge: a.SessionLifetime})
	}
}

// checkExposedAddrs reports that camd listens, maybe at a socket of systemd's or where an earlier configuration said, where other machines
// reach it, and nothing says who may come in.
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
