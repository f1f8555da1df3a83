package configfile

import (
	"path/filepath"

	"camd/pkg/config"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/v4l2"
)

// DefaultCameras returns what camd serves without a configuration: a test pattern and every capture device.
func DefaultCameras() []options.Camera {
	pattern := sourceurl.Source{Kind: sourceurl.Test, Size: sourceurl.Size{Width: 1280, Height: 720}, FPS: 30}
	cameras := []options.Camera{config.DefaultCamera("test", pattern)}
	cameras[0].Title = "Test pattern"
	devices, err := v4l2.List()
	if err != nil {
		return cameras // no /dev to look in: the pattern remains
	}
	for _, d := range devices {
		if !d.Capture {
			continue
		}
		c := config.DefaultCamera(filepath.Base(d.Path), sourceurl.Source{Kind: sourceurl.Device, Path: d.Path})
		if d.Card != "" {
			c.Title = d.Card
		}
		cameras = append(cameras, c)
	}
	return cameras
}
