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
	"camd/pkg/source/reach"
	"camd/pkg/source/spec"
	"camd/pkg/source/tlsverify"
)

// verification turns the flags into how the source's certificate is verified. It refuses what the configuration refuses.
func (f probeFlags) verification(src spec.Source) (o tlsverify.Options, err error) {
	o.Off = !f.tlsVerify
	switch {
	case !src.TLS() && (o.Off || f.caFile != "" || f.fingerprint != "" || f.saveCertificate != ""):
		return o, errors.New("--ca-file, --fingerprint, --tls-verify and --save-certificate: only an https:// or rtsps:// source has a certificate")
	case o.Off && (f.caFile != "" || f.fingerprint != ""), f.caFile != "" && f.fingerprint != "":
		return o, errors.New("--ca-file, --fingerprint and --tls-verify=false: give one of them")
	case f.fingerprint != "" && src.Kind == spec.RTSP:
		return o, errors.New("--fingerprint: FFmpeg reads rtsps:// sources and checks no fingerprint; give --ca-file")
	}
	if f.caFile != "" {
		if o.CAFile, err = filepath.Abs(f.caFile); err != nil {
			return o, fmt.Errorf("--ca-file: %w", err)
		}
		if _, err = tlsverify.New(o); err != nil {
			return o, fmt.Errorf("--ca-file: %w", err)
		}
	}
	if f.fingerprint != "" {
		if o.Fingerprint, err = tlsverify.ParseFingerprint(f.fingerprint); err != nil {
			return o, fmt.Errorf("--fingerprint: %w", err)
		}
	}
	return o, nil
}

// showCertificate prints the certificate of the source's server, and saves it if asked. A server that shows none is left to the
// probe, which says what is wrong with it.
func (f probeFlags) showCertificate(ctx context.Context, out io.Writer, o source.Options) error {
	if !o.Source.TLS() {
		return nil
	}
	verifier, err := tlsverify.New(o.TLS)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	chain, err := reach.Certificates(ctx, o.Source)
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
		fmt.Fprintf(w, "to accept it\t%s\n", e.Setting(o.Source.Kind != spec.RTSP))
	case o.TLS.Off:
		fmt.Fprintf(w, "verifies\tnot checked\n")
	default:
		fmt.Fprintf(w, "verifies\tyes\n")
	}
	_ = w.Flush()
	if f.saveCertificate == "" {
		return nil
	}
	if err := os.WriteFile(f.saveCertificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), 0o644); err != nil {
		return fmt.Errorf("save certificate: %w", err)
	}
	fmt.Fprintf(out, "certificate written to %s\n", f.saveCertificate)
	return nil
}
