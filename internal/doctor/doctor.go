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
	ConfigName string         // name of the configuration file, for people; empty if there is none
	Config     *config.Config // the configuration that camd would serve; the default one if the file has mistakes
	ConfigErr  error          // what is wrong with the file
	StateDir   string         // the state directory of that camd; empty if it has none
	ServiceDir string         // the state directory that systemd gives camd.service; empty if this machine has none
	Bus        *bus.Options   // options of the bus of the configuration; nil if it has none

	Network bool // also open the network cameras

	CheckHealth func(context.Context) error // reports whether a camd of the configuration is running already
}

// Examine makes all checks.
func Examine(ctx context.Context, p Target) []Finding {
	all := checkConfig(p)
	if p.isRelay() {
		all = append(all, ok("capture", "not needed: a relay gets its pictures from the bus"))
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
	all = append(all, checkTLS(p)...)
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
			all = append(all, fail("config", "correct these first; then `camd check` lists the others", "%d more mistakes in %s", e.More, p.ConfigName))
		}
		return all
	case errors.Is(p.ConfigErr, fs.ErrPermission):
		return []Finding{fail("config", "run this as root, or make the file readable (chmod go+r) and move secrets to files of their own", "%v", p.ConfigErr)}
	case p.ConfigErr != nil:
		return []Finding{fail("config", "", "%v", p.ConfigErr)}
	case p.ConfigName == "":
		return []Finding{ok("config", "no file: camd serves a test pattern and every capture device")}
	case p.isRelay():
		return []Finding{ok("config", "%s: no mistakes, a relay", p.ConfigName)}
	case len(p.Config.Cameras) == 0:
		return []Finding{warn("config", "add them under cameras: in "+p.ConfigName, "%s: no mistakes, but no cameras", p.ConfigName)}
	}
	return []Finding{ok("config", "%s: no mistakes, cameras: %d", p.ConfigName, len(p.Config.Cameras))}
}

// configRemedy returns the remedy for mistakes that may exist only for the doctor and not for the service.
func configRemedy(p config.Problem) string {
	if strings.Contains(p.Message, "CREDENTIALS_DIRECTORY") {
		return "systemd sets CREDENTIALS_DIRECTORY only for the service; set it to your folder: CREDENTIALS_DIRECTORY=/etc/camd camd doctor"
	}
	return ""
}
