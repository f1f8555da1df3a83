package doctor

import (
	"context"
	"errors"
	"sync"
	"time"

	"camd/pkg/source/netprobe"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// Limits of requesting the certificates of cameras.
const (
	certificateTimeout   = 5 * time.Second
	maxCertificateChecks = 16
)

// checkCertificates verifies the certificates of cameras that are read over TLS, as camd-capture does.
func checkCertificates(ctx context.Context, cameras []options.Camera) []Finding {
	var encrypted []options.Camera
	for _, c := range cameras {
		if c.Source.IsTLS() {
			encrypted = append(encrypted, c)
		}
	}
	all := make([]Finding, len(encrypted))
	slots := make(chan struct{}, maxCertificateChecks)
	var running sync.WaitGroup
	for i, c := range encrypted {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			all[i] = checkCertificate(ctx, c)
		})
	}
	running.Wait()
	return all
}

// checkCertificate verifies the certificate of one camera.
func checkCertificate(ctx context.Context, c options.Camera) Finding {
	const check = "camera"
	verifier, err := tlsverify.New(c.TLS)
	if err != nil {
		return fail(check, "", "camera %s: %v", c.ID, err)
	}
	if c.TLS.SkipVerify {
		return warn(check, "`camd probe "+c.ID+"` prints what to set instead", "camera %s: its certificate is not verified (tls_verify: false)", c.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, certificateTimeout)
	defer cancel()
	chain, err := netprobe.Certificates(ctx, c.Source)
	if err != nil {
		_, why := netprobe.Explain(c.Source.URL.Host, err)
		return fail(check, "", "camera %s: its certificate cannot be read: %s", c.ID, why)
	}
	if e, failed := errors.AsType[*tlsverify.Error](verifier.Verify(c.Source.URL.Hostname(), chain)); failed {
		return fail(check, e.Remedy(c.Source.Kind != sourceurl.RTSP), "camera %s: %s", c.ID, e.Problem)
	}
	return ok(check, "camera %s: its certificate verifies, valid until %s", c.ID, chain[0].NotAfter.UTC().Format(time.DateOnly))
}
