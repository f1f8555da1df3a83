package certreload

import (
	"crypto/tls"
	"errors"
	"time"

	"camd/internal/filewatch"
	"camd/pkg/certificate"
)

// Settings say which certificate is served, and what clients must present. A certificate is generated if SelfSigned or ACME is set.
// Otherwise it is the one of Files.
type Settings struct {
	Files      certificate.Files
	SelfSigned bool // users see the generated certificate, and the log asks them to compare its fingerprint
	ACME       bool // the generated certificate is for names without a certificate of the authority, and until it is issued

	StateDir string                              // where the generated certificate is kept
	Names    func() (names, configured []string) // of this machine, for the generated certificate; those configured are required

	MinVersion               uint16 // of TLS, as in crypto/tls; 0 means 1.2
	ClientCA                 string // a PEM file with the CAs of client certificates; if empty, camd requests none
	RequireClientCertificate bool
}

func (s *Settings) isGenerated() bool { return s.SelfSigned || s.ACME }

// files returns the files of the certificate.
func (s *Settings) files() certificate.Files {
	if s.isGenerated() {
		return certificate.SelfSigned{Dir: s.StateDir}.Files()
	}
	return s.Files
}

func (s *Settings) selfSigned() certificate.SelfSigned {
	names, configured := s.Names()
	return certificate.SelfSigned{Dir: s.StateDir, Names: names, RequiredNames: configured}
}

// loadOrGenerate returns the certificate. If it generated one, unsaved is what to save.
func (s *Settings) loadOrGenerate() (c *tls.Certificate, unsaved []byte, err error) {
	if !s.isGenerated() {
		c, err = s.Files.Load()
		return c, nil, err
	}
	if s.StateDir == "" {
		return nil, nil, errNoStateDir
	}
	return s.selfSigned().LoadOrGenerate(time.Now())
}

var errNoStateDir = errors.New("there is no directory for the certificate; add a line such as \"state_dir: state\" to the configuration")

// watchedFiles returns the files whose changes concern TLS.
func (s *Settings) watchedFiles() (all []string) {
	files := s.files()
	for _, path := range []string{files.Certificate, files.Key, s.ClientCA} {
		if path != "" {
			all = append(all, path)
		}
	}
	return all
}

func (s *Settings) fingerprint() filewatch.Fingerprint {
	return filewatch.FingerprintOfFiles(s.watchedFiles()...)
}
