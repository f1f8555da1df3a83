package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"camd/internal/configfile"
	"camd/pkg/access"
	"camd/pkg/config"
)

// checkPort checks that camd can listen at its address, or already does.
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
		return ok("port", "%s: in use by camd", addr)
	case errors.Is(err, syscall.EADDRINUSE):
		return fail("port", "`ss -ltnp` shows the program; stop it, or set another port in the key listen", "%s: in use by another program", addr)
	case errors.Is(err, syscall.EACCES):
		return fail("port", "set a port from 1024 on in listen:, or let systemd open the port (camd.socket)", "%s: no permission to listen", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail("port", "`ip addr` lists the addresses of this machine; listen: 0.0.0.0:8080 serves all of them", "%s: this machine has no such address", addr)
	}
	return fail("port", "", "%v", err)
}

// checkSocket checks that camd can listen at the path of a unix socket, or already does.
func checkSocket(ctx context.Context, p Target) Finding {
	path, _ := config.SocketPath(p.Config.Listen)
	info, err := os.Lstat(path)
	switch {
	case err == nil && p.CheckHealth(ctx) == nil:
		return ok("port", "%s: in use by camd", path)
	case err == nil && info.Mode().Type() != os.ModeSocket:
		return fail("port", "set another path in listen:, or delete the file", "%s is a file, not a socket", path)
	case err == nil:
		return ok("port", "%s: a socket that camd does not serve; camd replaces it at the start if no program listens there", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fail("port", "create it, or let the unit create it: RuntimeDirectory=camd", "the folder of %s does not exist", path)
	}
	return ok("port", "%s is free", path)
}

// checkTLS checks the certificate. A certificate that cannot be served is a mistake in the configuration.
func checkTLS(p Target) (all []Finding) {
	c := p.Config
	if c.TLS == nil {
		if !config.IsLocalAddress(c.Listen) {
			return []Finding{warn("tls", "set tls: with certificate and key, or put a proxy with TLS in front of camd", "%s go over the network unencrypted (%s)", unencryptedContent(c), c.Listen)}
		}
		return nil
	}
	generated := c.TLS.SelfSigned || c.TLS.ACME != nil
	if p.StateDir == "" && generated {
		return []Finding{checkServiceDir(p)}
	}
	files := configfile.CertificateFiles(c.TLS, p.StateDir)
	pair, err := files.Load()
	if _, missing := os.Stat(files.Certificate); generated && missing != nil {
		return []Finding{ok("tls", "camd makes a certificate when it starts")}
	}
	if err != nil {
		return []Finding{fail("tls", "", "%v", err)}
	}
	for _, warning := range files.Warnings(pair, time.Now()) {
		all = append(all, warn("tls", "", "%s: %s", warning.Summary, warning.Detail))
	}
	if len(all) == 0 {
		return []Finding{ok("tls", "certificate and key match; valid until %s", pair.Leaf.NotAfter.Format(time.DateOnly))}
	}
	return all
}

// checkServiceDir checks for a directory for the certificate that camd makes, if neither the configuration nor the environment has one. The
// service gets one from systemd. A camd that is started in another way does not start.
func checkServiceDir(p Target) Finding {
	if p.ServiceDir == "" {
		return fail("tls", `add a line such as "state_dir: state" to the configuration`, "camd does not start: there is no directory for the certificate that it makes")
	}
	return warn("tls", `if you do not start camd as this service, add a line such as "state_dir: state" to the configuration`,
		"only camd.service has a directory for the certificate that camd makes (%s)", p.ServiceDir)
}

// unencryptedContent lists what others on the network can read without TLS.
func unencryptedContent(c *config.Config) string {
	if len(configfile.AccessOptions(c).Users) > 0 {
		return "pictures and passwords"
	}
	return "pictures"
}

// checkAccess checks who has access. A section auth without any user is a mistake in the configuration, which checkConfig reports.
func checkAccess(c *config.Config) []Finding {
	if c.Auth == nil {
		return nil
	}
	o := configfile.AccessOptions(c)
	role := o.Anonymous.Role
	if (role == access.Control || role == access.Admin) && !config.IsLocalAddress(c.Listen) {
		return []Finding{warn("access", "set anonymous: view, or add users with `camd hash-password`", "everyone who can reach %s %s, without a password", c.Listen, roleActions[role])}
	}
	return []Finding{ok("access", "users: %d, tokens: %d; everyone else %s", len(o.Users), len(o.Tokens), roleActions[role])}
}

// roleActions describes what everyone with a role can do.
var roleActions = map[access.Role]string{
	"": "has no access", access.View: "can see pictures", access.Control: "can turn cameras off and on", access.Admin: "can do everything", access.Metrics: "can read /metrics",
}
