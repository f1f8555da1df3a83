package main

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"camd/pkg/source"
	"camd/pkg/source/netprobe"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

var errNoCertificate = errors.New("--ca-file, --fingerprint, --tls-verify and --save-certificate apply only to an https:// or rtsps:// source")

// tlsOptions turns the flags into options for verifying the source's certificate. It refuses the same combinations as the configuration.
func (p probeFlags) tlsOptions(src sourceurl.Source) (o tlsverify.Options, err error) {
	o.SkipVerify = !p.tlsVerify
	switch {
	case !src.IsTLS() && (o.SkipVerify || p.caFile != "" || p.fingerprint != "" || p.saveCertificate != ""):
		return o, errNoCertificate
	case o.SkipVerify && (p.caFile != "" || p.fingerprint != ""), p.caFile != "" && p.fingerprint != "":
		return o, errors.New("use only one of --ca-file, --fingerprint and --tls-verify=false")
	case p.fingerprint != "" && p.reader == options.ReaderOpenCV:
		return o, errors.New("--fingerprint: does not apply with --reader opencv, because FFmpeg cannot check it; use --ca-file")
	}
	if p.caFile != "" {
		if o.CAFile, err = filepath.Abs(p.caFile); err != nil {
			return o, fmt.Errorf("--ca-file: %w", err)
		}
		if _, err = tlsverify.New(o); err != nil {
			return o, fmt.Errorf("--ca-file: %w", err)
		}
	}
	if p.fingerprint != "" {
		if o.Fingerprint, err = tlsverify.ParseFingerprint(p.fingerprint); err != nil {
			return o, fmt.Errorf("--fingerprint: %w", err)
		}
	}
	return o, nil
}

// printCertificate prints the certificate of the source's server, and saves it if a flag asks for it. If the server presents
// no certificate, it prints nothing, because the probe that follows reports the reason.
func (p probeFlags) printCertificate(ctx context.Context, out io.Writer, o source.Options) error {
	if !o.Source.IsTLS() {
		return nil
	}
	verifier, err := tlsverify.New(o.TLS)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	chain, err := netprobe.Certificates(ctx, o.Source)
	if err != nil || len(chain) == 0 {
		return nil
	}
	leaf := chain[0]
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "certificate\t%s\n", tlsverify.Subject(leaf))
	fmt.Fprintf(w, "names\t%s\n", cmp.Or(strings.Join(tlsverify.Names(leaf), ", "), "none"))
	fmt.Fprintf(w, "expires\t%s UTC\n", leaf.NotAfter.UTC().Format(time.DateTime))
	fmt.Fprintf(w, "fingerprint\t%s\n", tlsverify.Fingerprint(leaf))
	switch e, failed := errors.AsType[*tlsverify.Error](verifier.Verify(o.Source.URL.Hostname(), chain)); {
	case failed:
		fmt.Fprintf(w, "verifies\tno: %s\n", e.Problem)
		fmt.Fprintf(w, "to accept it\t%s\n", e.ConfigLine(o.Reader != options.ReaderOpenCV))
	case o.TLS.SkipVerify:
		fmt.Fprintf(w, "verifies\tnot checked\n")
	default:
		fmt.Fprintf(w, "verifies\tyes\n")
	}
	_ = w.Flush()
	if p.saveCertificate == "" {
		return nil
	}
	if err := os.WriteFile(p.saveCertificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), 0o644); err != nil {
		return fmt.Errorf("save certificate: %w", err)
	}
	fmt.Fprintf(out, "certificate written to %s\n", p.saveCertificate)
	return nil
}
