package doctor

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"camd/pkg/bus"
	"camd/pkg/config"
	"camd/pkg/source"
	"camd/pkg/source/v4l2"
)

// Target is the camd to check.
type Target struct {
	ConfigName string         // of the configuration file, for people; empty if there is none
	Config     *config.Config // the configuration that camd would serve; the one without a file if the file has mistakes
	ConfigErr  error          // what is wrong with the file
	StateDir   string         // where it would keep its state; empty without
	Bus        *bus.Options   // of the configuration's bus; nil if it has none

	Network bool // also open the network cameras

	CheckHealth func(context.Context) error // reports whether a camd of the configuration is running already
}

// Examine makes all checks.
func Examine(ctx context.Context, p Target) []Finding {
	all := checkConfig(p)
	if p.isRelay() {
		all = append(all, ok("capture", "not needed: a relay has its pictures from the bus"))
	} else {
		all = append(all, checkWorker(ctx, source.FindWorker)...)
	}
	all = append(all, checkBus(ctx, p.busProbe())...)
	devices, err := v4l2.List()
	if err != nil {
		all = append(all, fail("device", "", "%v", err))
	}
	all = append(all, checkCameras(devices, p.Config.Cameras, tryRead)...)
	all = append(all, checkCertificates(ctx, p.Config.Cameras)...)
	if worker, err := source.FindWorker(); p.Network && err == nil {
		all = append(all, checkNetworkCameras(ctx, p.Config, worker, source.Probe)...)
	}
	all = append(all, checkBandwidth(devices, p.Config.Cameras, deviceSpeed)...)
	all = append(all, checkPort(ctx, p), checkOpenFiles(p.Config), checkClock(), checkLandlock(), checkNotSentLowat(), checkStateDir(p.StateDir))
	all = append(all, checkTLS(p.Config, p.StateDir)...)
	return append(all, checkAccess(p.Config)...)
}

// isRelay reports whether the target has only cameras from the bus.
func (t Target) isRelay() bool { return t.Config.Bus != nil && len(t.Config.Cameras) == 0 }

func checkConfig(p Target) []Finding {
	var e *config.Error
	switch {
	case errors.As(p.ConfigErr, &e):
		all := make([]Finding, 0, len(e.Problems))
		for _, problem := range e.Problems {
			all = append(all, fail("config", configRemedy(problem), "%v", problem))
		}
		if e.More > 0 {
			all = append(all, fail("config", "camd check lists the next ones when these are mended", "%d more mistakes in %s", e.More, p.ConfigName))
		}
		return all
	case errors.Is(p.ConfigErr, fs.ErrPermission):
		return []Finding{fail("config", "run this as root, or let the file be read: chmod go+r, and secrets into files of their own", "%v", p.ConfigErr)}
	case p.ConfigErr != nil:
		return []Finding{fail("config", "", "%v", p.ConfigErr)}
	case p.ConfigName == "":
		return []Finding{ok("config", "none: a test pattern and every capture device are served")}
	case p.isRelay():
		return []Finding{ok("config", "%s is good: a relay", p.ConfigName)}
	case len(p.Config.Cameras) == 0:
		return []Finding{warn("config", "name them under cameras: in "+p.ConfigName, "%s is good and has no cameras", p.ConfigName)}
	}
	return []Finding{ok("config", "%s is good: %d cameras", p.ConfigName, len(p.Config.Cameras))}
}

// configRemedy returns the remedy for mistakes that may exist only where the doctor runs.
func configRemedy(p config.Problem) string {
	if strings.Contains(p.Message, "CREDENTIALS_DIRECTORY") {
		return "systemd sets it for the service; here put the folder in its place: CREDENTIALS_DIRECTORY=/etc/camd camd doctor"
	}
	return ""
}
