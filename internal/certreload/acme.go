package certreload

import (
	"crypto/tls"
	"net/http"

	"go.uber.org/zap"
)

// issuedCertificate returns the certificate of the ACME authority. It returns the generated certificate until the authority has issued one,
// and for names that the authority's certificate is not for.
func (r *Reloader) issuedCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := r.issuer.Certificate(hello)
	if c == nil && err == nil {
		return r.store.Certificate(), nil
	}
	return c, err
}

// obtain starts to get the missing certificates from the authority, and returns at once. Getting them may take minutes and cannot be
// interrupted, so camd does not wait for that goroutine when it stops.
func (r *Reloader) obtain() {
	if r.issuer == nil || !r.obtaining.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer r.obtaining.Store(false)
		before := r.issuer.NotAfter()
		err := r.issuer.Renew()
		until := r.issuer.NotAfter()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.state.LastFailed = err != nil
		switch {
		case err != nil:
			r.state.Failed++
			r.log.Error("certificate not renewed", zap.Error(err), zap.String("remedy",
				"the authority must be able to reach this machine by these names on port 443, or on port 80 with redirect_from; camd tries again in an hour"))
		case !until.Equal(before):
			r.state.Renewed++
			r.log.Info("certificate issued", zap.Time("until", until))
		}
	}()
}

// WithChallenges answers ACME challenges, if there is an issuer, and passes other requests to next.
func (r *Reloader) WithChallenges(next http.Handler) http.Handler {
	if r.issuer == nil {
		return next
	}
	return r.issuer.Challenges(next)
}
