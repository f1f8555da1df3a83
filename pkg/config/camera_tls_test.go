package config

import (
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

func TestCameraVerificationKeysAreChecked(t *testing.T) {
	ca := testpeer.Certificate{}.Make(t)
	dir := filepath.Dir(ca.File)
	sum := strings.Repeat("ab", 32)
	const (
		notTLS    = "applies only to https:// and rtsps:// sources; remove it"
		noVerify  = "has no effect with tls_verify: false, which accepts any certificate; remove one of them"
		noSum     = "must be sha256: and the 64 hexadecimal digits of the certificate's SHA-256, as camd probe prints it, is "
		notOpenCV = "fingerprint: does not apply with reader: opencv, because FFmpeg cannot check it; set ca_file to a file with the certificate to trust, or remove reader"
		noHost    = "redirect_hosts: must be a host name or IP address, such as cdn.example.com, without scheme and port"
	)
	for _, c := range []struct{ source, keys, problem string }{
		{"https://h/", "", ""},
		{"https://h/", "ca_file: cert.pem", ""},
		{"rtsps://h/", "ca_file: cert.pem", ""},
		{"https+poll://h/", "fingerprint: sha256:" + sum, ""},
		{"https://h/", "fingerprint: 'SHA256:" + strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + "'", ""},
		{"rtsps://h/", "tls_verify: false", ""},
		{"rtsps://h/", "fingerprint: sha256:" + sum, ""},
		{"rtsp://h/", "substream: rtsps://h/, fingerprint: sha256:" + sum, ""},
		{"rtsps://h/", "reader: opencv, ca_file: cert.pem", ""},
		{"rtsps://h/", "reader: opencv, fingerprint: sha256:" + sum, notOpenCV},
		{"https://h/", "reader: opencv, fingerprint: sha256:" + sum, notOpenCV},
		{"http://h/", "ca_file: cert.pem", "ca_file: " + notTLS},
		{"rtsp://h/", "fingerprint: sha256:" + sum, "fingerprint: " + notTLS},
		{"/dev/video0", "tls_verify: false", "tls_verify: " + notTLS},
		{"https://h/", "ca_file: cert.pem, fingerprint: sha256:" + sum, "ca_file and fingerprint are both set; remove one"},
		{"https://h/", "fingerprint: sha256:" + sum + ", tls_verify: false", "fingerprint: " + noVerify},
		{"https://h/", "ca_file: cert.pem, tls_verify: false", "ca_file: " + noVerify},
		{"https://h/", "ca_file: none.pem", "ca_file: no such file or directory, below DIR"},
		{"https://h/", "fingerprint: " + sum, "fingerprint: " + noSum + `"` + sum[:60] + `…"`},
		{"https://h/", "fingerprint: sha256:ab", "fingerprint: " + noSum + `"sha256:ab"`},
		{"https://h/", "redirect_hosts: [CDN.example.com., 10.0.0.7, '::1']", ""},
		{"http+poll://h/", "redirect_hosts: cdn.example.com", ""},
		{"https://h/", "redirect_hosts: ['https://cdn.example.com']", noHost},
		{"https://h/", "redirect_hosts: ['cdn.example.com:80']", noHost + `, is "cdn.example.com:80"`},
		{"https://h/", "redirect_hosts: ['*']", noHost + `, is "*"`},
		{"rtsp://h/", "redirect_hosts: [cdn.example.com]", "redirect_hosts: applies only to http:// and https:// sources; remove it"},
	} {
		cfg, err := Parse(dir+"/camd.yaml", []byte("cameras: [{id: a, source: '"+c.source+"', "+c.keys+"}]"), env)
		if c.problem == "" {
			if err != nil {
				t.Errorf("%s, %s: %v", c.source, c.keys, err)
			} else if got := cfg.Cameras[0]; strings.Contains(c.keys, "ca_file") != (got.TLS.CAFile == ca.File) ||
				strings.Contains(c.keys, "fingerprint") != (got.TLS.Fingerprint == "sha256:"+sum) || strings.Contains(c.keys, "false") != got.TLS.SkipVerify {
				t.Errorf("%s, %s: got %+v", c.source, c.keys, got)
			}
			continue
		}
		if want := strings.ReplaceAll(c.problem, "DIR", dir); err == nil || !strings.HasSuffix(err.Error(), ": "+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s, %s: got %v, want %s", c.source, c.keys, err, want)
		}
	}
}
