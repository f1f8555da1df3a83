package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/pkg/config"
	"camd/pkg/source"
	"camd/pkg/source/options"
)

// errNoCameraID says that an argument is a source and not the id of a camera.
var errNoCameraID = errors.New("not the id of a camera")

// sourceFlags are the flags for a source. For a camera, its options in the configuration take their place.
var sourceFlags = []string{"user", "password-file", "transport", "ca-file", "fingerprint", "tls-verify", "redirect-hosts", "reader", "size", "fps", "format"}

// configured returns the options of the camera with an id. It returns errNoCameraID if the argument must be a source: it cannot be an
// id, there is no configuration, or it names a file and no camera.
func (p *probeFlags) configured(cmd *cobra.Command, arg string) (source.Options, error) {
	if !config.IsCameraID(arg) {
		return source.Options{}, errNoCameraID
	}
	_, missing := os.Stat(arg)
	isFile := !errors.Is(missing, fs.ErrNotExist)
	cfg, err := configfile.Load(p.config)
	switch {
	case errors.Is(err, configfile.ErrNone), err != nil && isFile:
		return source.Options{}, errNoCameraID
	case err != nil:
		return source.Options{}, err
	}
	at := slices.Index(cfg.CameraIDs(), arg)
	if at < 0 && isFile {
		return source.Options{}, errNoCameraID
	}
	if at < 0 {
		return source.Options{}, fmt.Errorf("no camera %q in %s; its cameras are: %s", arg, cmp.Or(p.config, configfile.DefaultPath), strings.Join(cfg.CameraIDs(), ", "))
	}
	return p.cameraOptions(cmd, cfg, cfg.Cameras[at])
}

// cameraOptions returns the options with which to probe a camera of the configuration.
func (p *probeFlags) cameraOptions(cmd *cobra.Command, cfg *config.Config, c options.Camera) (source.Options, error) {
	if at := slices.IndexFunc(sourceFlags, cmd.Flags().Changed); at >= 0 {
		return source.Options{}, fmt.Errorf("--%s: the configuration sets this for a camera; to try another value, give SOURCE instead of CAMERA", sourceFlags[at])
	}
	switch {
	case p.timeout <= 0 || p.measure <= 0:
		return source.Options{}, errProbeTimes
	case p.saveCertificate != "" && !c.Source.IsTLS():
		return source.Options{}, errNoCertificate
	}
	if cmd.Flags().Changed("timeout") {
		c.OpenTimeout = p.timeout
	}
	p.timeout = c.OpenTimeout
	return source.Options{Camera: cfg.ForProbe(c)}, nil
}
