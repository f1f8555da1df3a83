package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// Every file that camd reads because the configuration names it is checked, with the place where its name is.
func TestCheckFilesCoversEveryNamedFile(t *testing.T) {
	i := testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(i.File)
	writeFile(t, filepath.Join(dir, "users"), "anna:"+"hash"+"\n")
	writeFile(t, filepath.Join(dir, "yard.password"), "hunter2\n")
	cfg, err := Parse(filepath.Join(dir, "camd.yaml"), []byte(`tls:
  certificate: cert.pem
  key: key.pem
  client_ca: cert.pem
auth:
  users_file: users
cameras:
  - id: yard
    source: rtsps://10.0.0.7/
    user: u
    password_file: yard.password
    ca_file: cert.pem
  - {id: hall, source: rtsp://10.0.0.8/, user: u, password_file: "${CREDENTIALS_DIRECTORY}/yard.password"}
`), func(string) (string, bool) { return dir, true })
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.CheckFiles(func(path string) error { _, err := os.Stat(path); return err }); err != nil {
		t.Error(err)
	}
	err = cfg.CheckFiles(func(path string) error { return errors.New("no to " + filepath.Base(path)) })
	want := `camd.yaml:2:16: certificate: no to cert.pem
camd.yaml:3:8: key: no to key.pem
camd.yaml:4:14: client_ca: no to cert.pem
camd.yaml:6:15: users_file: no to users
camd.yaml:11:20: password_file: no to yard.password
camd.yaml:12:14: ca_file: no to cert.pem`
	if err == nil || strings.ReplaceAll(err.Error(), dir+"/", "") != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
