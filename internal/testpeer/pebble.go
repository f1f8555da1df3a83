package testpeer

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"camd/internal/testrun"
)

// pebbleModule is Let's Encrypt's ACME server for tests. The tests run it, but it is not in go.mod.
const pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/"

const pebbleVersion = "v2.10.3"

// Pebble is an ACME authority for which every name resolves to 127.0.0.1.
type Pebble struct {
	Directory string // the URL of its directory
	CA        string // a PEM file with the CA of the directory's server
	TLSPort   int    // the port at which it checks tls-alpn-01
	HTTPPort  int    // the port at which it checks http-01

	managementURL string
	stops         []func()
}

// ServePebble starts an authority. The first call on a machine builds it, which takes a minute.
func ServePebble(t testing.TB) *Pebble {
	t.Helper()
	front := Certificate{}.Make(t)
	p := &Pebble{CA: front.File, TLSPort: FreePort(t), HTTPPort: FreePort(t)}
	at, manage, dns := FreePort(t), FreePort(t), FreePort(t)
	p.Directory, p.managementURL = fmt.Sprintf("https://127.0.0.1:%d/dir", at), fmt.Sprintf("https://127.0.0.1:%d", manage)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", at), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", manage),
		"certificate": front.File, "privateKey": front.Key, "httpPort": p.HTTPPort, "tlsPort": p.TLSPort,
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	names := fmt.Sprintf("127.0.0.1:%d", dns)
	for _, args := range [][]string{
		{buildPebble(t, "pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dnsserver", names, "-http01", "", "-https01", "",
			"-tlsalpn01", "", "-doh", "", "-management", fmt.Sprintf("127.0.0.1:%d", FreePort(t))},
		{buildPebble(t, "pebble"), "-config", file, "-dnsserver", names, "-strict"},
	} {
		process, err := testrun.Start(exec.Command("env", append([]string{"PEBBLE_VA_NOSLEEP=1"}, args...)...)) // no delay before validation
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(process.Kill)
		p.stops = append(p.stops, process.Kill)
	}
	testrun.WaitFor(t, "pebble", func() bool { _, err := p.readRoot(); return err == nil })
	return p
}

// Stop stops the authority before the test ends.
func (p *Pebble) Stop() {
	for _, end := range p.stops {
		end()
	}
}

// RootCA returns a PEM file with the CA of the certificates that Pebble issues.
func (p *Pebble) RootCA(t testing.TB) string {
	t.Helper()
	text, err := p.readRoot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (p *Pebble) readRoot() ([]byte, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Get(p.managementURL + "/roots/0")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// buildPebble builds a program of pebble, once on a machine, and returns its path.
func buildPebble(t testing.TB, program string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "camd", "pebble-"+pebbleVersion)
	path := filepath.Join(dir, program)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "install", pebbleModule+program+"@"+pebbleVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", program, err, out)
	}
	return path
}
