package configfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"camd/pkg/certificate"
	"camd/pkg/config"
)

// Parse reads the text of a configuration file of that name, and checks the files that it names. Its error is a *config.Error with all
// mistakes.
func Parse(name string, text []byte, env func(string) (string, bool)) (*config.Config, error) {
	return parseIn(filepath.Dir(name), name, text, env)
}

// parseIn is Parse for a file whose relative paths are relative to dir.
func parseIn(dir, name string, text []byte, env func(string) (string, bool)) (*config.Config, error) {
	return config.ParseIn(dir, name, text, env, func(c *config.Config, good bool) []config.Problem {
		files := checkNamedFiles(c)
		_, problems := readAccess(c, good && len(files) == 0)
		return append(files, problems...)
	})
}

// load reads the file at path.
func load(path string) (*config.Config, error) {
	text, err := config.Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, os.LookupEnv)
}

// CertificateFiles returns the files of the certificate. Generated ones are in stateDir.
func CertificateFiles(t *config.TLS, stateDir string) certificate.Files {
	if t.SelfSigned || t.ACME != nil { // for names without an ACME certificate camd serves its generated one
		return certificate.SelfSigned{Dir: stateDir}.Files()
	}
	return certificate.Files{Certificate: t.Certificate, Key: t.Key}
}

// checkNamedFiles returns what is wrong in the certificates, keys and credentials that the configuration names. A path is empty if the
// file cannot be read, which has been reported.
func checkNamedFiles(c *config.Config) (all []config.Problem) {
	check := func(path string, err error) {
		if err != nil {
			all = append(all, c.ProblemAt(path, "%s: %v", path[strings.LastIndexByte(path, '/')+1:], err))
		}
	}
	pair := func(section, certificateFile, keyFile string) {
		if certificateFile == "" || keyFile == "" {
			return
		}
		_, err := certificate.Files{Certificate: certificateFile, Key: keyFile}.Load()
		if wrong, ok := errors.AsType[*certificate.FileError](err); ok && wrong.InKey {
			check(section+"/key", err)
		} else {
			check(section+"/certificate", err)
		}
	}
	if t := c.TLS; t != nil {
		pair("tls", t.Certificate, t.Key)
		check("tls/client_ca", checkCAs(t.ClientCA))
		if t.ACME != nil {
			check("tls/acme/ca", checkCAs(t.ACME.CA))
		}
	}
	for i, camera := range c.Cameras {
		check(fmt.Sprintf("cameras/%d/ca_file", i), checkCAs(camera.TLS.CAFile))
	}
	if c.MQTT != nil {
		check("mqtt/ca", checkCAs(c.MQTT.CA))
	}
	if b := c.Bus; b != nil {
		check("bus/ca", checkCAs(b.CA))
		pair("bus", b.Certificate, b.Key)
		check("bus/credentials_file", checkMarker(b.CredentialsFile, "credentials", "-----BEGIN NATS USER JWT-----"))
		check("bus/nkey_file", checkMarker(b.NKeyFile, "seed of an NKey", "SU"))
	}
	return all
}

func checkCAs(path string) error {
	if path == "" {
		return nil
	}
	_, err := certificate.LoadCAs(path)
	return err
}

// checkMarker returns an error if a file of credentials does not contain a text that all such files have.
func checkMarker(path, what, marker string) error {
	if path == "" {
		return nil
	}
	content, err := config.ReadNamedFile(path)
	if err == nil && !strings.Contains(string(content), marker) {
		err = fmt.Errorf("%s must contain %s, with %s… in it", path, what, marker)
	}
	return err
}
