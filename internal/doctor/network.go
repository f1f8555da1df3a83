package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"camd/pkg/access"
	"camd/pkg/config"
)

// checkPort checks that camd can listen at its address, or does already.
func checkPort(ctx context.Context, p Target) Finding {
	addr := p.Config.Listen
	if _, ok := config.SocketPath(addr); ok {
		return checkSocket(ctx, p)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		_ = l.Close()
		return ok("port", "%s is free", addr)
	case errors.Is(err, syscall.EADDRINUSE) && p.CheckHealth(ctx) == nil:
		return ok("port", "%s: camd serves there", addr)
	case errors.Is(err, syscall.EADDRINUSE):
		return fail("port", "`ss -ltnp` shows which; stop it, or choose another port by listen:", "%s: another program has it", addr)
	case errors.Is(err, syscall.EACCES):
		return fail("port", "choose one from 1024 on by listen:, or have systemd open it (camd.socket)", "%s: not allowed", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail("port", "`ip addr` shows those that it has; listen: 0.0.0.0:8080 is all of them", "%s: this machine has no such address", addr)
	}
	return fail("port", "", "%v", err)
}

// checkSocket checks that camd can listen at the path of a unix socket, or does already.
func checkSocket(ctx context.Context, p Target) Finding {
	path, _ := config.SocketPath(p.Config.Listen)
	info, err := os.Lstat(path)
	switch {
	case err == nil && p.CheckHealth(ctx) == nil:
		return ok("port", "%s: camd serves there", path)
	case err == nil && info.Mode().Type() != os.ModeSocket:
		return fail("port", "choose another path by listen:, or delete it", "%s is a file, and no socket", path)
	case err == nil:
		return ok("port", "%s: a socket that no camd serves; one that nobody listens on is replaced", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fail("port", "make it, or have the unit do so: RuntimeDirectory=camd", "the folder of %s is not there", path)
	}
	return ok("port", "%s is free", path)
}

// checkTLS checks the certificate. A certificate that cannot be served is a mistake in the configuration.
func checkTLS(c *config.Config, folder string) (all []Finding) {
	if c.TLS == nil {
		if !config.IsLocalAddress(c.Listen) {
			return []Finding{warn("tls", "tls: with certificate and key, or a proxy before camd that has them", "%s go over the network unencrypted (%s)", unencryptedContent(c), c.Listen)}
		}
		return nil
	}
	files := c.TLS.CertificateFiles(folder)
	if folder == "" && files != c.TLS.Files {
		return []Finding{warn("tls", "name one by state_dir:, unless systemd starts camd: the service has one", "camd makes a certificate, and there is no state_dir to keep it in")}
	}
	pair, err := files.Load()
	if _, missing := os.Stat(files.Certificate); files != c.TLS.Files && missing != nil {
		return []Finding{ok("tls", "camd makes a certificate when it starts")}
	}
	if err != nil {
		return []Finding{fail("tls", "", "%v", err)}
	}
	for _, warning := range files.Warnings(pair, time.Now()) {
		all = append(all, warn("tls", "", "%s: %s", warning.Summary, warning.Detail))
	}
	if len(all) == 0 {
		return []Finding{ok("tls", "certificate and key fit; valid until %s", pair.Leaf.NotAfter.Format(time.DateOnly))}
	}
	return all
}

// unencryptedContent lists what others on the network can read without TLS.
func unencryptedContent(c *config.Config) string {
	if c.Auth != nil && len(c.Auth.Users) > 0 {
		return "pictures and passwords"
	}
	return "pictures"
}

// checkAccess checks who has access. A section auth that nobody can use is a mistake in the configuration.
func checkAccess(c *config.Config) []Finding {
	if c.Auth == nil {
		return nil
	}
	role := c.Auth.Anonymous.Role
	if (role == access.Control || role == access.Admin) && !config.IsLocalAddress(c.Listen) {
		return []Finding{warn("access", "anonymous: view, or users: camd hash-password makes them", "everyone who reaches %s may %s, without a password", c.Listen, roleActions[role])}
	}
	return []Finding{ok("access", "%d users, %d tokens; others may %s", len(c.Auth.Users), len(c.Auth.Tokens), roleActions[role])}
}

// roleActions describes what each role allows.
var roleActions = map[access.Role]string{
	"": "nothing", access.View: "see pictures", access.Control: "switch cameras", access.Admin: "do everything", access.Metrics: "read /metrics",
}
