package doctor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"camd/pkg/source/netprobe"
	"camd/pkg/source/options"
	"camd/pkg/source/tlsverify"
)

// Limits of requesting the certificates of cameras.
const (
	certificateTimeout   = 5 * time.Second
	maxCertificateChecks = 16
)

// checkCertificates verifies the certificates of cameras that are read over TLS, as their readers do.
func checkCertificates(ctx context.Context, cameras []options.Camera) []Finding {
	encrypted := slices.DeleteFunc(networkSources(cameras), func(s networkSource) bool { return !s.Source.IsTLS() })
	all := make([]Finding, len(encrypted))
	slots := make(chan struct{}, maxCertificateChecks)
	var running sync.WaitGroup
	for i, s := range encrypted {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			all[i] = s.checkCertificate(ctx)
		})
	}
	running.Wait()
	return all
}

// checkCertificate verifies the certificate of the address.
func (s networkSource) checkCertificate(ctx context.Context) Finding {
	const check = "camera"
	verifier, err := tlsverify.New(s.TLS)
	if err != nil {
		return fail(check, "", "%s: %v", s.name(), err)
	}
	if s.TLS.SkipVerify {
		return warn(check, "`camd probe "+s.ID+"` prints what to set instead", "%s: its certificate is not verified (tls_verify: false)", s.name())
	}
	ctx, cancel := context.WithTimeout(ctx, certificateTimeout)
	defer cancel()
	chain, err := netprobe.Certificates(ctx, s.Source)
	if err != nil {
		_, why := netprobe.Explain(s.Source.URL.Host, err)
		return fail(check, "", "%s: its certificate cannot be read: %s", s.name(), why)
	}
	if e, failed := errors.AsType[*tlsverify.Error](verifier.Verify(s.Source.URL.Hostname(), chain)); failed {
		return fail(check, e.Remedy(s.Reader != options.ReaderOpenCV), "%s: %s", s.name(), e.Problem)
	}
	return ok(check, "%s: its certificate verifies, valid until %s", s.name(), chain[0].NotAfter.UTC().Format(time.DateOnly))
}
