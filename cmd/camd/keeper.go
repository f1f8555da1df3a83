package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/acme"
	"camd/pkg/certificate"
	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// keeper sees to it that the newest certificate is shown, under the terms of the configuration in force. Safe for concurrent use.
type keeper struct {
	shown *certificate.Shown
	log   *zap.Logger
	anew  chan struct{} // another configuration is in force

	applying atomic.Bool

	mu    sync.Mutex
	cfg   *config.Config // in force; nil before the first with TLS
	acme  *acme.Account  // as at the start; nil without
	seen  fingerprint
	state httpapi.CertificateState
}

func newKeeper(log *zap.Logger) *keeper {
	return &keeper{shown: &certificate.Shown{}, log: log, anew: make(chan struct{}, 1)}
}

// present shows the certificate of the configuration from now on, as its files have it. What is not well about it goes to the
// log.
func (k *keeper) present(cfg *config.Config) error {
	if cfg.TLS == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	// Before they are read: what is written meanwhile is another.
	if err := k.prepare(cfg); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	seen := content(pemFiles(cfg)...)
	if err := k.show(cfg); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	k.cfg, k.seen = cfg, seen
	select {
	case k.anew <- struct{}{}:
	default:
	}
	return nil
}

// show reads the files. k.mu must be held.
func (k *keeper) show(cfg *config.Config) error {
	files := cfg.TLS.At(stateDir(cfg))
	c, err := files.Load()
	if err != nil {
		return err
	}
	terms := certificate.Terms{MinVersion: cfg.TLS.MinVersion, Require: cfg.TLS.ClientAuth == "require"}
	if k.acme != nil {
		terms.Proofs = []string{acme.Protocol}
	}
	if cfg.TLS.ClientCA != "" {
		if terms.Clients, err = certificate.Authorities(cfg.TLS.ClientCA); err != nil {
			return fmt.Errorf("client_ca: %w", err)
		}
	}
	for _, concern := range files.Concerns(c, time.Now()) {
		k.log.Warn(concern.What, zap.String("detail", concern.Detail))
	}
	k.shown.Show(c)
	k.shown.Demand(terms)
	k.state.NotAfter = c.Leaf.NotAfter
	k.log.Info("certificate shown", zap.Bool("self_signed", files != cfg.TLS.Files), zap.String("sha256", certificate.Fingerprint(c)),
		zap.Time("until", c.Leaf.NotAfter))
	return nil
}

// prepare makes the certificate if camd is to.
func (k *keeper) prepare(cfg *config.Config) error {
	if !cfg.TLS.SelfSigned && cfg.TLS.ACME == nil {
		return nil
	}
	dir := stateDir(cfg)
	if dir == "" {
		return errors.New("there is no state_dir to keep the certificate in; name one in the configuration, such as \"state_dir: state\"")
	}
	names, must := ownNames(cfg)
	made, err := certificate.SelfSigned{Dir: dir, Names: names, Must: must}.Ensure(time.Now())
	if err != nil {
		return err
	}
	if made && cfg.TLS.SelfSigned {
		k.log.Warn("certificate made", zap.Strings("names", names),
			zap.String("remedy", "browsers warn of it once: compare what they show with the sha256 that follows, then trust it"))
	}
	return nil
}

// State is how the certificate stands.
func (k *keeper) State() httpapi.CertificateState {
	k.mu.Lock()
	defer k.mu.Unlock()
	state := k.state
	if k.acme != nil {
		state.NotAfter = k.acme.Until()
	}
	return state
}

// mature is how often a certificate of camd's own making is looked at.
const mature = time.Hour

// Run shows what comes in place of the files that are shown, until ctx ends.
func (k *keeper) Run(ctx context.Context) {
	age := time.NewTicker(mature)
	defer age.Stop()
	k.apply()
	for ctx.Err() == nil {
		changed, ended := k.watch(ctx)
		select {
		case <-changed:
			k.renew()
		case <-age.C:
			k.renew()
			k.apply()
		case <-k.anew:
		case <-ctx.Done():
		}
		ended()
	}
}

// watch looks at the files of the configuration in force; ended waits until it does not any more.
func (k *keeper) watch(ctx context.Context) (changed chan fingerprint, ended func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed = make(chan fingerprint, 1)
	if k.cfg == nil {
		return changed, func() {}
	}
	files, seen := pemFiles(k.cfg), k.seen
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := watchFiles(ctx, files, seen, changed); err != nil {
			k.log.Warn("certificate not watched", zap.Error(err), zap.String("remedy", "ask for a reload by SIGHUP when it is another"))
		}
	})
	return changed, func() { stop(); watching.Wait() }
}

// renew shows what the files have now, if it is another certificate. What is of no use changes nothing.
func (k *keeper) renew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cfg == nil {
		return
	}
	err := k.prepare(k.cfg)
	seen := content(pemFiles(k.cfg)...)
	if seen == k.seen && err == nil {
		return
	}
	k.seen = seen
	if err == nil {
		err = k.show(k.cfg)
	}
	k.state.Bad = err != nil
	if err != nil {
		k.state.Failed++
		k.log.Error("certificate not renewed", zap.Error(err), zap.String("remedy", "the one before is shown still; put both files right, and camd takes them by itself"))
		return
	}
	k.state.Renewed++
}

// pemFiles lists the files that connections are encrypted by.
func pemFiles(cfg *config.Config) (all []string) {
	files := cfg.TLS.At(stateDir(cfg))
	for _, path := range []string{files.Certificate, files.Key, cfg.TLS.ClientCA} {
		if path != "" {
			all = append(all, path)
		}
	}
	return all
}

func stateDir(cfg *config.Config) string { return cmp.Or(cfg.StateDir, stateDirectory()) }

// encryption is what the server encrypts by; nil if it does not.
func (k *keeper) encryption(cfg *config.Config) *tls.Config {
	if cfg.TLS == nil {
		return nil
	}
	return k.shown.Server()
}

// certificateState is how the certificate stands, where there is one.
func (k *keeper) certificateState(cfg *config.Config) func() httpapi.CertificateState {
	if cfg.TLS == nil {
		return nil
	}
	return k.State
}
