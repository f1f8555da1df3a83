package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"camd/internal/whole"
	"camd/pkg/access"
	"camd/pkg/config"
)

// doors are what outlives a configuration of who may come in: sessions, who has been guessing, and the key for links that camd made
// itself.
type doors struct {
	sessions *access.Sessions
	attempts *access.Attempts
	stateDir string // empty: there is none
	log      *zap.Logger

	key access.LinkKey // for links, of the gate that was made last
}

// newDoors opens what is kept. camd serves without it: people have to log in again.
func newDoors(cfg *config.Config, log *zap.Logger) *doors {
	d := &doors{attempts: access.NewAttempts(), stateDir: stateDir(cfg), log: log}
	o := access.SessionOptions{Failed: func(err error) {
		log.Error("sessions not kept", zap.Error(err), zap.String("remedy", "who logs out may come back when camd restarts: "+stateRemedy(err, d.stateDir)))
	}}
	if d.stateDir != "" {
		o.Path = filepath.Join(d.stateDir, access.SessionsName)
	}
	var err error
	if d.sessions, err = access.OpenSessions(o); err != nil {
		log.Error("sessions not known", zap.Error(err), zap.String("remedy", "people have to log in again; "+stateRemedy(err, d.stateDir)))
	}
	return d
}

// gate is who may do what by that configuration. Nothing changes for who is inside already.
func (d *doors) gate(cfg *config.Config) *access.Gate {
	a := cfg.Auth
	d.key = nil
	if a == nil { // this machine alone reaches it
		return access.New(access.Options{Anonymous: anonymous(cfg), Sessions: d.sessions, Attempts: d.attempts})
	}
	d.key = d.linkKey(a)
	return access.New(access.Options{
		Anonymous: anonymous(cfg), Users: a.Users, Tokens: a.Tokens, LinkKey: d.key, Proxies: a.Proxies, ForwardAuth: a.ForwardAuth,
		Sessions: d.sessions, Attempts: d.attempts,
	})
}

// linkKey is the key for links: the configured one, else one that camd keeps itself. camd serves without it, and has no links.
func (d *doors) linkKey(a *config.Auth) access.LinkKey {
	if len(a.LinkKey) > 0 || d.stateDir == "" {
		return a.LinkKey
	}
	key, err := ownLinkKey(d.stateDir)
	if err != nil {
		d.log.Error("no links", zap.Error(err), zap.String("remedy", stateRemedy(err, d.stateDir)+"; or set link_key_file"))
	}
	return key
}

// limit makes sessions last as long as the configuration says.
func (d *doors) limit(cfg *config.Config) {
	if a := cfg.Auth; a != nil {
		d.sessions.Limit(access.SessionOptions{Idle: a.SessionIdle, Lifetime: a.SessionLifetime})
	}
}

// linkKeyName is the file in which camd keeps a key for links that it made itself.
const linkKeyName = "link.key"

// ownLinkKey returns the key that camd keeps itself, which it makes if need be.
func ownLinkKey(dir string) (access.LinkKey, error) {
	path := filepath.Join(dir, linkKeyName)
	key, err := readLinkKey(path)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	if err := whole.Replace(path, []byte(access.NewLinkKey()+"\n")); err != nil {
		return nil, fmt.Errorf("make a key for links: %w", err)
	}
	return readLinkKey(path)
}

func readLinkKey(path string) (access.LinkKey, error) {
	text, err := config.ReadSecret(path)
	if err != nil {
		return nil, fmt.Errorf("key for links: %w", err)
	}
	key, err := access.ParseLinkKey(text)
	if err != nil {
		return nil, fmt.Errorf("key for links: %s: %w; camd rotate-links makes another", path, err)
	}
	return key, nil
}

// exposed reports that camd listens, maybe at a socket of systemd's or where an earlier configuration said, where other machines
// reach it, and nothing says who may come in.
func exposed(cfg *config.Config, open ...net.Addr) error {
	for _, at := range open {
		if _, tcp := at.(*net.TCPAddr); !tcp {
			continue
		}
		if err := cfg.CheckReach(at.String()); err != nil {
			return err
		}
	}
	return nil
}
