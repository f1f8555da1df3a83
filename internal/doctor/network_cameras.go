package doctor

import (
	"context"
	"errors"
	"fmt"
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
	remote := networkSources(cfg.Cameras)
	all := make([]Finding, len(remote))
	slots := make(chan struct{}, maxProbes)
	var running sync.WaitGroup
	for i, s := range remote {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			s.Camera = cfg.ForProbe(s.Camera)
			all[i] = s.check(ctx, worker, probe)
		})
	}
	running.Wait()
	return all
}

// networkSource is a camera with one of its addresses as its source.
type networkSource struct {
	options.Camera
	key string // of the address in the configuration: source or substream
}

// networkSources returns the addresses of all network cameras.
func networkSources(cameras []options.Camera) (all []networkSource) {
	for _, c := range cameras {
		if !c.Source.IsNetwork() {
			continue
		}
		all = append(all, networkSource{c, "source"})
		if c.Substream.IsNetwork() {
			c.Source = c.Substream
			all = append(all, networkSource{c, "substream"})
		}
	}
	return all
}

// name names the address in a finding.
func (s networkSource) name() string {
	if s.key == "source" {
		return "camera " + s.ID
	}
	return "camera " + s.ID + ", " + s.key
}

// check opens the address, unless the configuration turns the camera off.
func (s networkSource) check(ctx context.Context, worker string, probe probeFunc) Finding {
	const check = "camera"
	if s.Paused {
		return ok(check, "%s: not probed, because the configuration turns it off (paused)", s.name())
	}
	report, err := probe(ctx, source.Options{Camera: s.Camera, WorkerPath: worker}, probeMeasure)
	if e, isProbeError := errors.AsType[*source.ProbeError](err); isProbeError {
		return fail(check, s.remedy(e.Reason), "%s: %s: %v", s.name(), s.Source, e)
	}
	if err != nil {
		return fail(check, "", "%s: %s: %v", s.name(), s.Source, err)
	}
	rate := ""
	if report.FPS > 0 {
		rate = fmt.Sprintf(", %.1f fps", report.FPS)
	}
	return ok(check, "%s: delivers %s, %dx%d%s, from %s", s.name(), report.Format.Codec, report.Frame.Format.Width, report.Frame.Format.Height, rate, s.Source)
}

// remedy returns what to do about the reason of a failed probe.
func (s networkSource) remedy(r camera.Reason) string {
	switch r {
	case camera.Unreachable, camera.Timeout:
		remedy := "check the camera's power and cable, and the address and port in " + s.key + ":"
		if s.Source.Kind == sourceurl.RTSP && s.Transport == "udp" {
			remedy += "; try transport: tcp"
		}
		return remedy
	case camera.Auth:
		return "try the values of user: and password_file: on the camera's own web page"
	case camera.NotFound:
		return "correct the path in " + s.key + ":; the camera's manual has it"
	case camera.TooLarge:
		return "set a smaller size in the camera, or raise frame_bytes or frame_pixels under limits:"
	}
	return "`camd probe " + s.ID + " --log-level debug` shows more"
}
