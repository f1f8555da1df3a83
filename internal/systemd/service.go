package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// Service tells the service manager how this process fares. Its methods are safe for concurrent use.
type Service struct{ log *zap.Logger }

// New returns one that says in log what goes wrong; nil means nowhere.
func New(log *zap.Logger) *Service {
	if log == nil {
		log = zap.NewNop()
	}
	return &Service{log}
}

// Ready says that the process serves.
func (s *Service) Ready() { s.notify(daemon.SdNotifyReady) }

// Stopping says that it is about to end, as it was told to.
func (s *Service) Stopping() { s.notify(daemon.SdNotifyStopping) }

// Reload says that the process is reloading while reload runs, and that it serves again when reload has returned, with
// whatever error: a configuration that is refused leaves the old one in force. The error is reload's.
func (s *Service) Reload(ctx context.Context, reload func(context.Context) error) error {
	s.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	defer s.Ready()
	return reload(ctx)
}

// reportInterval is how often Report looks, and so the most often that it speaks.
const reportInterval = 3 * time.Second

// Report keeps what `systemctl status` shows up to date with what line says, until ctx ends.
func (s *Service) Report(ctx context.Context, line func() string) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for last := ""; ; {
		if now := line(); now != last {
			s.notify("STATUS=" + now)
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Service) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd not told", zap.Error(err))
	}
}
