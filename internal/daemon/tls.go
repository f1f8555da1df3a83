package daemon

import (
	"context"
	"fmt"
	"path/filepath"

	"go.uber.org/zap"

	"camd/internal/certreload"
	"camd/internal/configfile"
	"camd/internal/statedir"
	"camd/pkg/certificate"
	"camd/pkg/certificate/acme"
	"camd/pkg/config"
)

// makeCertificateReloader makes the reloader that serves the certificate of the configuration.
func (d *daemon) makeCertificateReloader() error {
	cfg := d.startConfig
	issuer, err := newACMEIssuer(cfg)
	if err != nil {
		return err
	}
	d.certs = certreload.New(issuer, d.options.Loggers.Log)
	if cfg.TLS == nil {
		return nil
	}
	commit, err := d.certs.Prepare(tlsSettings(cfg))
	if err != nil {
		return err
	}
	return commit()
}

// prepareCertificate reads the certificate of the next configuration. If that has no TLS, the certificate stays until a restart.
func (d *daemon) prepareCertificate(next configfile.Loaded) (commit func(context.Context), err error) {
	if next.TLS == nil {
		return func(context.Context) {}, nil
	}
	serve, err := d.certs.Prepare(tlsSettings(next.Config))
	if err != nil {
		return nil, err
	}
	return func(context.Context) {
		if err := serve(); err != nil {
			d.log.Error("certificate not saved", zap.Error(err), zap.String("remedy", "camd makes a new one when it restarts: "+statedir.Remedy(err, statedir.Path(next.StateDir))))
		}
	}, nil
}

// tlsSettings returns the TLS settings of a configuration that has the section tls.
func tlsSettings(cfg *config.Config) certreload.Settings {
	t := cfg.TLS
	return certreload.Settings{
		Files: certificate.Files{Certificate: t.Certificate, Key: t.Key}, SelfSigned: t.SelfSigned, ACME: t.ACME != nil, StateDir: statedir.Path(cfg.StateDir),
		Names:      func() (names, configured []string) { return certificateNames(cfg) },
		MinVersion: t.MinVersion, ClientCA: t.ClientCA, RequireClientCertificate: t.ClientAuth == "require",
	}
}

// newACMEIssuer returns the client of the configuration's ACME authority, and nil without one.
func newACMEIssuer(cfg *config.Config) (*acme.Issuer, error) {
	if cfg.TLS == nil || cfg.TLS.ACME == nil {
		return nil, nil
	}
	settings := cfg.TLS.ACME
	o := acme.Options{Domains: settings.Domains, CacheDir: filepath.Join(statedir.Path(cfg.StateDir), "acme"), Email: settings.Email, DirectoryURL: settings.Directory}
	if settings.CA != "" {
		trusted, err := certificate.LoadCAs(settings.CA)
		if err != nil {
			return nil, fmt.Errorf("tls: acme: ca: %w", err)
		}
		o.RootCAs = trusted
	}
	return acme.New(o), nil
}
