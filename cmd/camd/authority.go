package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"

	"go.uber.org/zap"

	"camd/pkg/acme"
	"camd/pkg/certificate"
	"camd/pkg/config"
)

// enrol opens the account with the authority, before anything else is done with k.
func (k *keeper) enrol(cfg *config.Config) error {
	if cfg.TLS == nil || cfg.TLS.ACME == nil {
		return nil
	}
	from := cfg.TLS.ACME
	o := acme.Options{Domains: from.Domains, Folder: filepath.Join(stateDir(cfg), "acme"), Email: from.Email, Directory: from.Directory}
	if from.CA != "" {
		trusted, err := certificate.Authorities(from.CA)
		if err != nil {
			return fmt.Errorf("tls: acme: ca: %w", err)
		}
		o.Trusted = trusted
	}
	k.acme = acme.New(o)
	k.shown.Ask(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := k.acme.Certificate(hello)
		if c == nil && err == nil {
			return k.shown.Now(), nil // until there is one, and for who comes by another name
		}
		return c, err
	})
	return nil
}

// apply asks the authority for what is missing, and does not wait for it: that may take minutes, and cannot be interrupted. The one
// who asks is left behind when camd ends.
func (k *keeper) apply() {
	if k.acme == nil || !k.applying.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer k.applying.Store(false)
		before := k.acme.Until()
		err := k.acme.Renew()
		until := k.acme.Until()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.state.Bad = err != nil
		switch {
		case err != nil:
			k.state.Failed++
			k.log.Error("certificate not renewed", zap.Error(err), zap.String("remedy",
				"the authority must reach this machine under these names, at port 443, or at port 80 with redirect_from; camd tries again in an hour"))
		case !until.Equal(before):
			k.state.Renewed++
			k.log.Info("certificate from authority", zap.Time("until", until))
		}
	}()
}

// challenged answers the authority, if there is one, before next.
func (k *keeper) challenged(next http.Handler) http.Handler {
	if k.acme == nil {
		return next
	}
	return k.acme.Challenges(next)
}
