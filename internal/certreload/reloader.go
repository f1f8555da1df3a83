// Package certreload serves the newest certificate. It comes from files, is generated, or is issued by an ACME authority.
package certreload

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/internal/filewatch"
	"camd/pkg/certificate"
	"camd/pkg/certificate/acme"
)

// Reloader serves the newest certificate according to the settings that were committed last. It is safe for concurrent use.
type Reloader struct {
	store           *certificate.Store
	issuer          *acme.Issuer // nil without ACME
	log             *zap.Logger
	settingsChanged chan struct{}

	obtaining atomic.Bool

	mu       sync.Mutex
	settings *Settings // the settings in force; nil before the first
	seen     filewatch.Fingerprint
	unsaved  []byte // the generated certificate that is served, if it could not be saved
	state    State
}

// State is the state of the certificate.
type State struct {
	NotAfter        time.Time // when it expires
	Renewed, Failed uint64    // new certificates found while the process runs that are served, and that cannot be served
	LastFailed      bool      // the newest certificate cannot be served, and the previous one still is
}

// New returns a reloader that serves nothing yet. The issuer obtains certificates by ACME. It is nil without ACME.
func New(issuer *acme.Issuer, log *zap.Logger) *Reloader {
	r := &Reloader{store: &certificate.Store{}, issuer: issuer, log: log, settingsChanged: make(chan struct{}, 1)}
	if issuer != nil {
		r.store.SetSource(r.issuedCertificate)
	}
	return r
}

// Prepare reads and checks the certificate of the settings. It changes nothing. err says why the settings cannot be used. commit is nil
// then.
//
// commit puts them into force: from then on the certificate is served. Its only error is that a generated certificate could not be saved.
// That certificate is served nevertheless, and the reloader tries again to save it.
func (r *Reloader) Prepare(s Settings) (commit func() error, err error) {
	p, err := r.prepare(s)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		err := r.install(p)
		select {
		case r.settingsChanged <- struct{}{}:
		default:
		}
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		return nil
	}, nil
}

// prepared is a certificate and a client policy that were read and checked.
type prepared struct {
	settings    Settings
	certificate *tls.Certificate
	unsaved     []byte // the generated certificate, if it is not in its file yet
	policy      certificate.ClientPolicy
	seen        filewatch.Fingerprint // of the files
}

func (r *Reloader) prepare(s Settings) (p prepared, err error) {
	p = prepared{settings: s, seen: s.fingerprint()} // taken before the files are read, so that a change during the read is noticed
	if p.certificate, p.unsaved, err = s.loadOrGenerate(); err != nil {
		return p, err
	}
	p.policy = certificate.ClientPolicy{MinVersion: s.MinVersion, Require: s.RequireClientCertificate}
	if r.issuer != nil {
		p.policy.ChallengeProtocols = []string{acme.ALPNProtocol}
	}
	if s.ClientCA != "" {
		if p.policy.CAs, err = certificate.LoadCAs(s.ClientCA); err != nil {
			return p, fmt.Errorf("client_ca: %w", err)
		}
	}
	return p, nil
}

// install serves a prepared certificate, even if it was generated and cannot be saved. r.mu must be held.
func (r *Reloader) install(p prepared) error {
	var err error
	r.unsaved = nil
	if p.unsaved != nil {
		if err = p.settings.selfSigned().Save(p.unsaved); err == nil {
			p.seen = p.settings.fingerprint()
		} else {
			r.unsaved = p.unsaved
		}
		if p.settings.SelfSigned {
			names, _ := p.settings.Names()
			r.log.Warn("certificate generated", zap.Strings("names", names),
				zap.String("remedy", "browsers warn about this certificate: compare the fingerprint that they show with sha256 in the next line, then trust it"))
		}
	}
	for _, warning := range p.settings.files().Warnings(p.certificate, time.Now()) {
		r.log.Warn(warning.Summary, zap.String("detail", warning.Detail))
	}
	r.store.SetCertificate(p.certificate)
	r.store.SetClientPolicy(p.policy)
	r.settings, r.seen = &p.settings, p.seen
	r.state.NotAfter = p.certificate.Leaf.NotAfter
	r.log.Info("serving certificate", zap.Bool("self_signed", p.settings.isGenerated()), zap.String("sha256", certificate.Fingerprint(p.certificate)),
		zap.Time("until", p.certificate.Leaf.NotAfter))
	return err
}

// State returns the state of the certificate.
func (r *Reloader) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	if r.issuer != nil {
		state.NotAfter = r.issuer.NotAfter()
	}
	return state
}

// TLSConfig returns the TLS configuration of a server, which follows every change.
func (r *Reloader) TLSConfig() *tls.Config { return r.store.Server() }

// Certificate returns the certificate of the files or the generated one, but none from an ACME authority. It is nil before the first.
func (r *Reloader) Certificate() *tls.Certificate { return r.store.Certificate() }

// IsCertified reports whether a certificate is for that name, or will be once the ACME authority has issued it.
func (r *Reloader) IsCertified(name string) bool {
	if c := r.store.Certificate(); c != nil && c.Leaf.VerifyHostname(name) == nil {
		return true
	}
	return r.issuer != nil && r.issuer.Handles(name)
}

// renewInterval is how often a certificate that camd generates or obtains is checked.
const renewInterval = time.Hour

// Run serves each new certificate of the files or the authority, until ctx ends.
func (r *Reloader) Run(ctx context.Context) {
	age := time.NewTicker(renewInterval)
	defer age.Stop()
	r.obtain()
	for ctx.Err() == nil {
		changed, stop := r.watch(ctx)
		select {
		case <-changed:
			r.reloadFiles()
		case <-age.C:
			r.reloadFiles()
			r.obtain()
		case <-r.settingsChanged:
		case <-ctx.Done():
		}
		stop()
	}
}

// watch watches the files of the settings in force. stop ends the watch and waits until it has ended.
func (r *Reloader) watch(ctx context.Context) (changed chan filewatch.Fingerprint, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed = make(chan filewatch.Fingerprint, 1)
	if r.settings == nil {
		return changed, func() {}
	}
	files, seen := r.settings.watchedFiles(), r.seen
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := filewatch.Watch(ctx, files, seen, changed); err != nil {
			r.log.Warn("certificate not watched", zap.Error(err), zap.String("remedy", "send SIGHUP when you have replaced the certificate"))
		}
	})
	return changed, func() { cancel(); watching.Wait() }
}

// reloadFiles serves the certificate in the files, if it has changed. If it cannot be served, the previous one stays.
func (r *Reloader) reloadFiles() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settings == nil {
		return
	}
	seen := r.settings.fingerprint()
	if seen == r.seen && !r.settings.isGenerated() {
		return
	}
	if r.unsaved != nil { // do not generate another one: it would have another fingerprint
		r.retrySave()
		return
	}
	p, err := r.prepare(*r.settings)
	if seen == r.seen && err == nil && p.unsaved == nil {
		return
	}
	r.seen = seen
	r.state.LastFailed = err != nil
	if err != nil {
		r.state.Failed++
		r.log.Error("certificate not renewed", zap.Error(err), zap.String("remedy", "camd still serves the previous certificate; correct both files, and camd loads them by itself"))
		return
	}
	r.state.Renewed++
	if err := r.install(p); err != nil {
		r.logUnsaved(err)
	}
}

// retrySave tries again to save the certificate that is served and could not be saved. r.mu must be held.
func (r *Reloader) retrySave() {
	if err := r.settings.selfSigned().Save(r.unsaved); err != nil {
		r.logUnsaved(err)
		return
	}
	r.unsaved, r.seen = nil, r.settings.fingerprint()
	r.log.Info("certificate saved")
}

func (r *Reloader) logUnsaved(err error) {
	r.log.Error("certificate not saved", zap.Error(err), zap.String("remedy", "camd tries to save it again in an hour; if camd restarts before, it makes a new one"))
}
