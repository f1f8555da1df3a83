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

	"camd/pkg/certificate"
	"camd/pkg/certificate/acme"
	"camd/pkg/config"
)

// certReloader serves the newest certificate, by the TLS settings of the active configuration. It is safe for concurrent use.
type certReloader struct {
	store         *certificate.Store
	log           *zap.Logger
	configChanged chan struct{} // another configuration is in force

	obtaining atomic.Bool

	mu     sync.Mutex
	cfg    *config.Config // in force; nil before the first with TLS
	issuer *acme.Issuer   // as at the start; nil without
	seen   fingerprint
	state  certificate.State
}

func newCertReloader(log *zap.Logger) *certReloader {
	return &certReloader{store: &certificate.Store{}, log: log, configChanged: make(chan struct{}, 1)}
}

// load serves the certificate of the configuration from now on, as its files have it. What is not well about it goes to the
// log.
func (k *certReloader) load(cfg *config.Config) error {
	if cfg.TLS == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	// Before they are read: what is written meanwhile is another.
	if err := k.ensureSelfSigned(cfg); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	seen := filesFingerprint(pemFiles(cfg)...)
	if err := k.install(cfg); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	k.cfg, k.seen = cfg, seen
	select {
	case k.configChanged <- struct{}{}:
	default:
	}
	return nil
}

// install reads the files. k.mu must be held.
func (k *certReloader) install(cfg *config.Config) error {
	files := cfg.TLS.CertificateFiles(stateDir(cfg))
	c, err := files.Load()
	if err != nil {
		return err
	}
	policy := certificate.ClientPolicy{MinVersion: cfg.TLS.MinVersion, Require: cfg.TLS.ClientAuth == "require"}
	if k.issuer != nil {
		policy.ChallengeProtocols = []string{acme.ALPNProtocol}
	}
	if cfg.TLS.ClientCA != "" {
		if policy.CAs, err = certificate.LoadCAs(cfg.TLS.ClientCA); err != nil {
			return fmt.Errorf("client_ca: %w", err)
		}
	}
	for _, warning := range files.Warnings(c, time.Now()) {
		k.log.Warn(warning.Summary, zap.String("detail", warning.Detail))
	}
	k.store.SetCertificate(c)
	k.store.SetClientPolicy(policy)
	k.state.NotAfter = c.Leaf.NotAfter
	k.log.Info("certificate shown", zap.Bool("self_signed", files != cfg.TLS.Files), zap.String("sha256", certificate.Fingerprint(c)),
		zap.Time("until", c.Leaf.NotAfter))
	return nil
}

// ensureSelfSigned makes the certificate if camd is to.
func (k *certReloader) ensureSelfSigned(cfg *config.Config) error {
	if !cfg.TLS.SelfSigned && cfg.TLS.ACME == nil {
		return nil
	}
	dir := stateDir(cfg)
	if dir == "" {
		return errors.New("there is no state_dir to keep the certificate in; name one in the configuration, such as \"state_dir: state\"")
	}
	names, must := certificateNames(cfg)
	made, err := certificate.SelfSigned{Dir: dir, Names: names, RequiredNames: must}.Ensure(time.Now())
	if err != nil {
		return err
	}
	if made && cfg.TLS.SelfSigned {
		k.log.Warn("certificate made", zap.Strings("names", names),
			zap.String("remedy", "browsers warn of it once: compare what they show with the sha256 that follows, then trust it"))
	}
	return nil
}

// State returns the state of the certificate.
func (k *certReloader) State() certificate.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	state := k.state
	if k.issuer != nil {
		state.NotAfter = k.issuer.NotAfter()
	}
	return state
}

// certCheckInterval is how often a certificate of camd's own making is looked at.
const certCheckInterval = time.Hour

// Run shows what comes in place of the files that are shown, until ctx ends.
func (k *certReloader) Run(ctx context.Context) {
	age := time.NewTicker(certCheckInterval)
	defer age.Stop()
	k.obtain()
	for ctx.Err() == nil {
		changed, ended := k.watch(ctx)
		select {
		case <-changed:
			k.reloadFiles()
		case <-age.C:
			k.reloadFiles()
			k.obtain()
		case <-k.configChanged:
		case <-ctx.Done():
		}
		ended()
	}
}

// watch looks at the files of the configuration in force; ended waits until it does not any more.
func (k *certReloader) watch(ctx context.Context) (changed chan fingerprint, ended func()) {
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

// reloadFiles shows what the files have now, if it is another certificate. What is of no use changes nothing.
func (k *certReloader) reloadFiles() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cfg == nil {
		return
	}
	err := k.ensureSelfSigned(k.cfg)
	seen := filesFingerprint(pemFiles(k.cfg)...)
	if seen == k.seen && err == nil {
		return
	}
	k.seen = seen
	if err == nil {
		err = k.install(k.cfg)
	}
	k.state.LastFailed = err != nil
	if err != nil {
		k.state.Failed++
		k.log.Error("certificate not renewed", zap.Error(err), zap.String("remedy", "the one before is shown still; put both files right, and camd takes them by itself"))
		return
	}
	k.state.Renewed++
}

// pemFiles lists the files that connections are encrypted by.
func pemFiles(cfg *config.Config) (all []string) {
	files := cfg.TLS.CertificateFiles(stateDir(cfg))
	for _, path := range []string{files.Certificate, files.Key, cfg.TLS.ClientCA} {
		if path != "" {
			all = append(all, path)
		}
	}
	return all
}

func stateDir(cfg *config.Config) string { return cmp.Or(cfg.StateDir, systemdStateDir()) }

// tlsConfig is what the server encrypts by; nil if it does not.
func (k *certReloader) tlsConfig(cfg *config.Config) *tls.Config {
	if cfg.TLS == nil {
		return nil
	}
	return k.store.Server()
}
