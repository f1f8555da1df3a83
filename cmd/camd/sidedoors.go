package main

import (
	"net"
	"strconv"

	"go.uber.org/zap"

	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// sideDoors opens the further addresses of a configuration.
func sideDoors(cfg *config.Config, front net.Listener, server *httpapi.Server, k *keeper, log *zap.Logger) (side []httpapi.Door, err error) {
	defer func() {
		if err != nil {
			for _, d := range side {
				_ = d.Listener.Close()
			}
		}
	}()
	if cfg.MetricsListen != "" {
		l, err := listenAt(cfg.MetricsListen, cfg.SocketMode)
		if err != nil {
			return side, err
		}
		log.Info("serving metrics", zap.Stringer("address", l.Addr()))
		side = append(side, httpapi.Door{Listener: l, Handler: server.Aside()})
	}
	if cfg.TLS != nil && cfg.TLS.RedirectFrom != "" {
		l, err := listenAt(cfg.TLS.RedirectFrom, cfg.SocketMode)
		if err != nil {
			return side, err
		}
		log.Info("redirecting", zap.Stringer("address", l.Addr()))
		side = append(side, httpapi.Door{Listener: l, Handler: k.challenged(k.redirect(portOf(front)))})
	}
	return side, nil
}

// entrances are where there is something to see: not at the door that redirects.
func entrances(cfg *config.Config, front net.Listener, side []httpapi.Door) []net.Addr {
	all := []net.Addr{front.Addr()}
	if cfg.MetricsListen != "" { // the first
		all = append(all, side[0].Listener.Addr())
	}
	return all
}

// portOf is the port that a listener has; that of https:// where it has none, and another program lies before it.
func portOf(l net.Listener) string {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return strconv.Itoa(tcp.Port)
	}
	return "443"
}
