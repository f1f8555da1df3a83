package daemon

import (
	"context"

	"camd/internal/configfile"
	"camd/pkg/config"
	"camd/pkg/source"
)

// prepareCameras refuses cameras if the capture program is missing. Its commit returns when every camera follows the next configuration.
func (d *daemon) prepareCameras(next configfile.Loaded) (commit func(context.Context), err error) {
	worker, err := findWorker(next.Config)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		options := d.cameraOptions(next.Config, worker)
		// The only error is that ctx has ended.
		d.fleetChange, _ = d.fleet.Reconfigure(ctx, options, func(now []*source.Camera) { d.publishCameras(next.Config, now) })
	}, nil
}

// publishCameras passes the cameras of a configuration to everything that serves or observes them. From then on only the access rules of
// that configuration apply.
func (d *daemon) publishCameras(cfg *config.Config, cameras []*source.Camera) {
	d.registry.setCameras(cfg, cameras, d.auth.authenticator)
	d.notifiers.setCameras(cfg, cameras)
	d.localCameras.set(cfg, cameras)
}

// prepareNotifications refuses webhooks and MQTT settings that cannot be used.
func (d *daemon) prepareNotifications(next configfile.Loaded) (commit func(context.Context), err error) {
	replace, err := d.notifiers.prepare(next.Config)
	if err != nil {
		return nil, err
	}
	return func(context.Context) { replace() }, nil
}
