package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/source"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// Limits of probing network cameras.
const (
	probeMeasure = time.Second // how long the frame rate is measured
	maxProbes    = 4           // at the same time, because each is a capture process
)

// probeFunc is source.Probe.
type probeFunc func(context.Context, source.Options, time.Duration) (source.ProbeReport, error)

// checkNetworkCameras opens the network cameras of a configuration and reports what each delivers. worker is the capture program.
func checkNetworkCameras(ctx context.Context, cfg *config.Config, worker string, probe probeFunc) []Finding {
	remote := slices.DeleteFunc(slices.Clone(cfg.Cameras), func(c options.Camera) bool { return !c.Source.IsNetwork() })
	all := make([]Finding, len(remote))
	slots := make(chan struct{}, maxProbes)
	var running sync.WaitGroup
	for i, c := range remote {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			all[i] = checkNetworkCamera(ctx, source.Options{Camera: cfg.ForProbe(c), WorkerPath: worker}, probe)
		})
	}
	running.Wait()
	return all
}

// checkNetworkCamera opens one network camera, unless the configuration turns it off.
func checkNetworkCamera(ctx context.Context, o source.Options, probe probeFunc) Finding {
	const check = "camera"
	if o.Paused {
		return ok(check, "camera %s: not probed, because the configuration turns it off (paused)", o.ID)
	}
	report, err := probe(ctx, o, probeMeasure)
	if e, isProbeError := errors.AsType[*source.ProbeError](err); isProbeError {
		return fail(check, networkRemedy(e.Reason, o.Camera), "camera %s: %s: %v", o.ID, o.Source, e)
	}
	if err != nil {
		return fail(check, "", "camera %s: %s: %v", o.ID, o.Source, err)
	}
	rate := ""
	if report.FPS > 0 {
		rate = fmt.Sprintf(", %.1f fps", report.FPS)
	}
	return ok(check, "camera %s: delivers %s, %dx%d%s, from %s", o.ID, report.Format.Codec, report.Frame.Format.Width, report.Frame.Format.Height, rate, o.Source)
}

// networkRemedy returns what to do about the reason of a failed probe.
func networkRemedy(r camera.Reason, c options.Camera) string {
	switch r {
	case camera.Unreachable, camera.Timeout:
		remedy := "check the camera's power and cable, and the address and port in source:"
		if c.Source.Kind == sourceurl.RTSP && c.Transport == "udp" {
			remedy += "; try transport: tcp"
		}
		return remedy
	case camera.Auth:
		return "try the values of user: and password_file: on the camera's own web page"
	case camera.NotFound:
		return "correct the path in source:; the camera's manual has it"
	case camera.TooLarge:
		return "set a smaller size in the camera, or raise frame_bytes or frame_pixels under limits:"
	}
	return "`camd probe " + c.ID + " --log-level debug` shows more"
}
