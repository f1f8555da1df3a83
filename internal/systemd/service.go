package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// Service reports the state of this process to the service manager. Its methods are safe for concurrent use.
type Service struct{ log *zap.Logger }

// New returns a service that logs errors to log; nil logs none.
func New(log *zap.Logger) *Service {
	if log == nil {
		log = zap.NewNop()
	}
	return &Service{log}
}

// Ready reports that the process serves.
func (s *Service) Ready() { s.notify(daemon.SdNotifyReady) }

// Stopping reports that the process is stopping.
func (s *Service) Stopping() { s.notify(daemon.SdNotifyStopping) }

// Reload reports that the process is reloading while reload runs. Afterwards it reports that the process serves again, even on an error,
// because the old configuration is then still in force. It returns the error of reload.
func (s *Service) Reload(ctx context.Context, reload func(context.Context) error) error {
	s.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	defer s.Ready()
	return reload(ctx)
}

// reportInterval is how often Report checks the line, so the status changes at most that often.
const reportInterval = 3 * time.Second

// Report updates the status in `systemctl status` with the result of line, until ctx ends.
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
		s.log.Warn("systemd not notified", zap.Error(err))
	}
}
