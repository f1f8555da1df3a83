package config

import (
	"net/netip"
	"strings"

	"camd/pkg/source/tlsverify"

	"go.yaml.in/yaml/v3"
)

// checkVerification reports contradictions in how a camera's certificate is verified.
func (d *decoder) checkVerification(e *cameraEntry) {
	ca, fingerprint, verify := e.given["ca_file"], e.given["fingerprint"], e.given["tls_verify"]
	if !e.Source.IsTLS() {
		for _, at := range []*yaml.Node{ca, fingerprint, verify} {
			if at != nil {
				d.errorf(at, "%s: makes no sense for this source; only an https:// or rtsps:// source has a certificate", at.Value)
			}
		}
		return
	}
	switch {
	case fingerprint != nil && e.Source.URL.Scheme == "rtsps":
		d.errorf(fingerprint, "fingerprint: FFmpeg reads rtsps:// sources and checks no fingerprint; set ca_file to a file with the certificate to trust")
	case fingerprint != nil && ca != nil:
		d.errorf(laterNode(fingerprint, ca), "ca_file and fingerprint are both given; keep one")
	}
	if !e.TLS.SkipVerify {
		return
	}
	for _, at := range []*yaml.Node{ca, fingerprint} {
		if at != nil {
			d.errorf(at, "%s: makes no sense with tls_verify: false, which accepts any certificate; keep one of them", at.Value)
		}
	}
}

func readFingerprint(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	s, ok := d.text(key, n, "a text")
	if !ok {
		return
	}
	fingerprint, err := tlsverify.ParseFingerprint(s)
	if err != nil {
		d.errorf(n, "%s: %v, got %s", key, err, quoteValue(n))
		return
	}
	to.TLS.Fingerprint = fingerprint
}

// maxRedirectHosts bounds the list that a capture process is given.
const maxRedirectHosts = 50

func readRedirectHosts(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	const want = "a host name or IP address, such as cdn.example.com"
	d.textOrList(key, n, want, func(s string, n *yaml.Node) {
		_, err := netip.ParseAddr(s)
		switch {
		case err != nil && (s == "" || len(s) > 253 || strings.ContainsFunc(s, notInHostName)):
			d.errorf(n, "%s: want %s, without scheme and port", key, want)
		case len(to.RedirectHosts) == maxRedirectHosts:
			d.errorf(n, "%s: want at most %d hosts", key, maxRedirectHosts)
		default:
			to.RedirectHosts = append(to.RedirectHosts, strings.ToLower(strings.TrimSuffix(s, ".")))
		}
	})
}
