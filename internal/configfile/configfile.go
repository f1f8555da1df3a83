// Package configfile finds and reads the configuration that camd serves: the file, its last good copy, or the default without a file.
package configfile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"camd/internal/statedir"
	"camd/pkg/access"
	"camd/pkg/config"
)

// DefaultPath is read if it exists and no other file is named.
const DefaultPath = "/etc/camd/camd.yaml"

// ErrNone says that no file was named and the default one does not exist.
var ErrNone = errors.New("no configuration: " + DefaultPath + " does not exist; name a file with -c")

// Load reads the named file. Without a name it reads DefaultPath. With ErrNone it returns the configuration without a file, which has no
// cameras.
func Load(path string) (*config.Config, error) {
	if path != "" {
		return load(path)
	}
	cfg, err := load(DefaultPath)
	if errors.Is(err, os.ErrNotExist) {
		return config.Default(), ErrNone
	}
	return cfg, err
}

// Options say which configuration is served. Values other than Path and LastGood override those of the file.
type Options struct {
	Path      string // of the file; empty: DefaultPath if it exists, else DefaultCameras are served
	Listen    string
	Anonymous string
	LogLevel  string
	LastGood  bool // start with the last good configuration
}

// Loaded is a configuration as it was read.
type Loaded struct {
	*config.Config
	Path    string // of the file; empty for the built-in default
	Text    []byte // of the file
	HasAuth bool   // the file has the section auth; the command line can give access, too

	KeptAt time.Time // when it was saved, if it is the last good configuration instead of the file
}

// Read returns the configuration with the options applied. With an error it returns Path and Text as far as they are known.
func (o Options) Read() (Loaded, error) {
	path := cmp.Or(o.Path, DefaultPath)
	text, err := config.Read(path)
	if o.Path == "" && errors.Is(err, os.ErrNotExist) {
		cfg := config.Default()
		cfg.Cameras = DefaultCameras()
		return o.applyTo(Loaded{Config: cfg})
	}
	l := Loaded{Path: path, Text: text}
	if err != nil {
		return l, err
	}
	if l.Config, err = Parse(path, text, os.LookupEnv); err != nil {
		return l, err
	}
	return o.applyTo(l)
}

// applyTo applies the options to a configuration.
func (o Options) applyTo(l Loaded) (Loaded, error) {
	l.HasAuth = l.Auth != nil
	if o.Listen != "" {
		if err := config.CheckListen(o.Listen); err != nil {
			return l, fmt.Errorf("--listen: %w", err)
		}
		l.Listen = o.Listen
	}
	if o.LogLevel != "" {
		l.Log.Level = o.LogLevel
	}
	if err := o.applyAnonymous(l.Config); err != nil {
		return l, err
	}
	if err := l.CheckExposure(); err != nil {
		return l, err
	}
	return l, l.CheckStateDir(statedir.Path(l.StateDir))
}

// applyAnonymous sets the anonymous permission, if the options have one.
func (o Options) applyAnonymous(cfg *config.Config) error {
	if o.Anonymous == "" {
		return nil
	}
	role, err := access.ParseRole(o.Anonymous)
	if err != nil {
		return fmt.Errorf("--anonymous: %w", err)
	}
	if cfg.Auth == nil {
		cfg.Auth = config.DefaultAuth()
	}
	cfg.Auth.Anonymous = config.Permission{Role: string(role)}
	return nil
}
