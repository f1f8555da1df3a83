package doctor

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"camd/pkg/config"
	"camd/pkg/source/v4l2"
)

// Patient is the camd that is looked at.
type Patient struct {
	Name      string         // of the configuration file, for people; empty if there is none
	Config    *config.Config // as it would be served; what holds without a file if the file is no good
	ConfigErr error          // what is wrong with the file
	StateDir  string         // where it would keep what people switch; empty if nowhere

	// Worker finds the capture program, and Serves asks whether a camd of the configuration answers already.
	Worker func() (string, error)
	Serves func(context.Context) error

	// Bus looks what the bus of the configuration has; nil if there is none.
	Bus func(context.Context) Bus
}

// Examine looks at everything there is to look at.
func Examine(ctx context.Context, p Patient) []Finding {
	all := configuration(p)
	if p.relay() {
		all = append(all, ok("capture", "not needed: a relay has its pictures from the bus"))
	} else {
		all = append(all, worker(ctx, p.Worker)...)
	}
	all = append(all, shared(ctx, p.Bus)...)
	devices, err := v4l2.List()
	if err != nil {
		all = append(all, fail("device", "", "%v", err))
	}
	all = append(all, cameras(devices, p.Config.Cameras, reads)...)
	all = append(all, certificates(ctx, p.Config.Cameras)...)
	all = append(all, bandwidth(devices, p.Config.Cameras, speed)...)
	all = append(all, port(ctx, p), openFiles(p.Config), clock(), landlock(), lowat(), state(p.StateDir))
	all = append(all, encryption(p.Config, p.StateDir)...)
	return append(all, admission(p.Config)...)
}

// relay reports whether it has cameras from the bus alone.
func (p Patient) relay() bool { return p.Config.Bus != nil && len(p.Config.Cameras) == 0 }

func configuration(p Patient) []Finding {
	var e *config.Error
	switch {
	case errors.As(p.ConfigErr, &e):
		all := make([]Finding, 0, len(e.Problems))
		for _, problem := range e.Problems {
			all = append(all, fail("config", remedy(problem), "%v", problem))
		}
		if e.More > 0 {
			all = append(all, fail("config", "camd check lists the next ones when these are mended", "%d more mistakes in %s", e.More, p.Name))
		}
		return all
	case errors.Is(p.ConfigErr, fs.ErrPermission):
		return []Finding{fail("config", "run this as root, or let the file be read: chmod go+r, and secrets into files of their own", "%v", p.ConfigErr)}
	case p.ConfigErr != nil:
		return []Finding{fail("config", "", "%v", p.ConfigErr)}
	case p.Name == "":
		return []Finding{ok("config", "none: a test pattern and every capture device are served")}
	case p.relay():
		return []Finding{ok("config", "%s is good: a relay", p.Name)}
	case len(p.Config.Cameras) == 0:
		return []Finding{warn("config", "name them under cameras: in "+p.Name, "%s is good and has no cameras", p.Name)}
	}
	return []Finding{ok("config", "%s is good: %d cameras", p.Name, len(p.Config.Cameras))}
}

// remedy is for what is wrong only where the doctor is.
func remedy(p config.Problem) string {
	if strings.Contains(p.Message, "CREDENTIALS_DIRECTORY") {
		return "systemd sets it for the service; here put the folder in its place: CREDENTIALS_DIRECTORY=/etc/camd camd doctor"
	}
	return ""
}
