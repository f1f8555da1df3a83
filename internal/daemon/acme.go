package daemon

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"

	"go.uber.org/zap"

	"camd/internal/statedir"
	"camd/pkg/certificate"
	"camd/pkg/certificate/acme"
	"camd/pkg/config"
)

// registerACME sets up the ACME client, before anything else is done with k.
func (k *certReloader) registerACME(cfg *config.Config) error {
	if cfg.TLS == nil || cfg.TLS.ACME == nil {
		return nil
	}
	settings := cfg.TLS.ACME
	o := acme.Options{Domains: settings.Domains, CacheDir: filepath.Join(statedir.Path(cfg.StateDir), "acme"), Email: settings.Email, DirectoryURL: settings.Directory}
	if settings.CA != "" {
		trusted, err := certificate.LoadCAs(settings.CA)
		if err != nil {
			return fmt.Errorf("tls: acme: ca: %w", err)
		}
		o.RootCAs = trusted
	}
	k.issuer = acme.New(o)
	k.store.SetSource(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := k.issuer.Certificate(hello)
		if c == nil && err == nil {
			return k.store.Certificate(), nil // until there is one, and for other names
		}
		return c, err
	})
	return nil
}

// obtain asks the authority for what is missing, and does not wait for it: that may take minutes, and cannot be interrupted. Its goroutine
// is not waited for when camd ends.
func (k *certReloader) obtain() {
	if k.issuer == nil || !k.obtaining.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer k.obtaining.Store(false)
		before := k.issuer.NotAfter()
		err := k.issuer.Renew()
		until := k.issuer.NotAfter()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.state.LastFailed = err != nil
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

// withChallenges answers ACME challenges, if there is an issuer, and passes other requests to next.
func (k *certReloader) withChallenges(next http.Handler) http.Handler {
	if k.issuer == nil {
		return next
	}
	return k.issuer.Challenges(next)
}
