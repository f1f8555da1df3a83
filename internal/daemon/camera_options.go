package daemon

import (
	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/broker"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/media"
	"camd/pkg/source"
	"camd/pkg/statestore"
)

func findWorker(cfg *config.Config) (string, error) {
	if len(cfg.Cameras) == 0 {
		return "", nil
	}
	return source.FindWorker()
}

var _ interface {
	httpapi.Adjustable
	httpapi.Pausable
	httpapi.HistorySource
} = (*source.Camera)(nil)

// cameraResources is what all cameras share for as long as camd runs.
type cameraResources struct {
	store   *statestore.Store
	metrics *source.Metrics
	budget  *broker.Budget // bounds all rings together
	log     *zap.Logger
}

// ringBytes bounds the frames in the rings of all cameras together, without the newest of each. It is enough for 20 topics with 32
// pictures of 100 KB, or for two groups of pictures of 16 tracks at 4 Mbit/s with keyframes 4 s apart. Beyond it, each topic keeps an equal
// share, and tracks whose groups are larger are not joinable.
const ringBytes = 64 << 20

// frameLimits returns the limits of a configuration for one picture.
func frameLimits(cfg *config.Config) media.Limits {
	return media.Limits{Bytes: int(cfg.Limits.FrameBytes), Pixels: cfg.Limits.FramePixels}
}

// cameraOptions returns the options of the cameras in a configuration.
func (s cameraResources) cameraOptions(cfg *config.Config, worker string) (all []source.Options) {
	for _, c := range cfg.Cameras {
		observer := wrapObserver(c.ID, s.metrics.Observer(c))
		c.Paused, c.CaptureMemory, c.Limits = startsPaused(c, s.store), cfg.Limits.CaptureMemory, frameLimits(cfg)
		all = append(all, source.Options{Camera: c, Site: cfg.Site, WorkerPath: worker, Budget: s.budget, Observer: observer, Log: s.log})
	}
	return all
}

// newServerConfig returns what the server serves of a configuration and its cameras.
func newServerConfig(cfg *config.Config, cameras []*source.Camera, authenticator *access.Authenticator) httpapi.Config {
	limits, _ := connectionLimits(cfg)
	r := httpapi.Config{
		Auth:    authenticator,
		Cameras: map[string]httpapi.Camera{}, WriteTimeout: cfg.WriteTimeout, SendBuffer: int(cfg.SendBuffer),
		Hosts: acceptedHosts(cfg), OwnOrigin: publicOrigin(cfg), PublicURL: cfg.PublicURL, AllowOrigin: cfg.AllowOrigin, FrameAncestors: cfg.FrameAncestors,
		Limits: httpapi.Limits{
			Viewers: cfg.Limits.Viewers, PerCamera: cfg.Limits.ViewersPerCamera, PerAddress: cfg.Limits.ViewersPerAddress,
			TotalBytesPerSecond: cfg.Limits.BytesPerSecond, ViewerBytesPerSecond: cfg.Limits.ViewerBytesPerSecond,
		},
		Connections: limits,
	}
	if cfg.TLS != nil {
		r.HSTS = cfg.TLS.HSTS
	}
	for _, c := range cameras {
		r.Order = append(r.Order, c.ID())
		r.Cameras[c.ID()] = c
	}
	return r
}
