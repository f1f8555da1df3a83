package daemon

import (
	"net"
	"strconv"

	"go.uber.org/zap"

	"camd/internal/listener"
	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// listenExtra opens the additional listeners of a configuration.
func (d *daemon) listenExtra(cfg *config.Config, main net.Listener) (extra []httpapi.ExtraListener, err error) {
	defer func() {
		if err != nil {
			for _, e := range extra {
				_ = e.Listener.Close()
			}
		}
	}()
	if cfg.MetricsListen != "" {
		l, err := listener.Listen(cfg.MetricsListen, cfg.SocketMode)
		if err != nil {
			return extra, err
		}
		d.log.Info("serving metrics", zap.Stringer("address", l.Addr()))
		extra = append(extra, httpapi.ExtraListener{Listener: l, Handler: d.server.MetricsHandler()})
	}
	if cfg.TLS != nil && cfg.TLS.RedirectFrom != "" {
		l, err := listener.Listen(cfg.TLS.RedirectFrom, cfg.SocketMode)
		if err != nil {
			return extra, err
		}
		redirect := d.redirect()
		redirect.Port = portOf(main)
		d.log.Info("redirecting to https", zap.Stringer("address", l.Addr()))
		extra = append(extra, httpapi.ExtraListener{Listener: l, Handler: d.certs.WithChallenges(redirect.Handler())})
	}
	return extra, nil
}

// redirect returns the rules by which requests without TLS are redirected.
func (d *daemon) redirect() listener.Redirect {
	return listener.Redirect{PublicURL: d.registry.publicURL, IsCertified: d.certs.IsCertified}
}

// servedAddrs returns the addresses that serve pictures or metrics, without the one that redirects.
func servedAddrs(cfg *config.Config, main net.Listener, extra []httpapi.ExtraListener) []net.Addr {
	all := []net.Addr{main.Addr()}
	if cfg.MetricsListen != "" { // listenExtra has put it first
		all = append(all, extra[0].Listener.Addr())
	}
	return all
}

// portOf returns the port of a listener. For a unix socket it is 443, because a proxy serves the port.
func portOf(l net.Listener) string {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return strconv.Itoa(tcp.Port)
	}
	return "443"
}
