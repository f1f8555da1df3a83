package daemon

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/internal/configfile"
	"camd/internal/statedir"
)

// keepLastGood saves the configuration in force, if it is from a file and there is a state directory.
func (d *daemon) keepLastGood() {
	dir := statedir.Path(d.startConfig.StateDir)
	if err := configfile.KeepLastGood(dir, d.active); err != nil {
		d.log.Warn("last good configuration not saved", zap.Error(err), zap.String("remedy", "camd serve --last-good would serve an older one or none: "+statedir.Remedy(err, dir)))
	}
}

// reportLastGood reports in the log, /readyz and the metrics that the last good configuration is in force instead of the file.
func (d *daemon) reportLastGood() {
	l := d.active
	if l.KeptAt.IsZero() {
		return
	}
	at := l.KeptAt.Format(time.RFC3339)
	d.server.SetLastGood(l.KeptAt, fmt.Errorf("the last good configuration of %s is in force, because camd was started with --last-good; correct %s and reload", at, l.Path))
	d.log.Warn("last good configuration in force", zap.String("kept", at), zap.String("file", l.Path), zap.String("remedy", "correct the file and reload"))
}
